// The console as an operator uses it.

import { REFUSED, accessible, check, end, expect, look, lost, open, send, signIn, text, transaction, until } from "./browser.mjs";

// Something to look at: sent, failed, unknown, with a loss, and told to nobody.
const sent = await text("447700900123");
const failed = await text(REFUSED);
const unknown = await lost();
const lossy = await send("desk-key", {
  to: "447700900124",
  type: "image",
  image: { link: "https://files.example.net/map.png", caption: "The way" },
  colour: "teal",
});
await until("the message has failed", async () => (await transaction(failed.id)).state === "failed");
await until("the message is read", async () => (await transaction(sent.id)).state === "read");

const page = await open();
let cookies = [];

await check("a wrong token is refused and a right one leads back", async () => {
  await page.goto("/console/transactions?state=failed");
  expect(new URL(page.url()).pathname === "/console/sign-in", page.url());
  await accessible(page, "sign-in");
  await page.getByLabel("Admin token").fill("wrong");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").getByText("This is not the admin token").waitFor();
  page.faults.length = 0;
  cookies = await signIn(page, "/console/transactions?state=failed");
  expect(page.url().endsWith("/console/transactions?state=failed"), page.url());
});

const paths = [
  "/console",
  "/console/transactions",
  "/console/live",
  "/console/callbacks",
  "/console/setup",
  "/console/translator",
  `/console/transactions/${sent.id}`,
  `/console/transactions/${lossy.id}`,
  `/console/transactions/${unknown}/send-again`,
  "/docs",
  "/docs/cloud",
];

for (const dark of [false, true]) {
  await check(`every page is small and readable, ${dark ? "dark" : "light"}`, async () => {
    const window = await open({ dark, cookies });
    for (const path of paths) await look(window, path);
    await window.context().close();
  });
}

await check("every page fits a telephone", async () => {
  const window = await open({ phone: true, cookies });
  for (const path of paths) await look(window, path);
  await window.context().close();
});

await check("on a telephone a row says all in its width, and the rest of the search is folded", async () => {
  const window = await open({ phone: true, cookies });
  await window.goto("/console/transactions");
  for (const said of ["447700900123", "main"]) {
    const { x, width } = await window.locator(`#t-${sent.id}`).getByText(said, { exact: true }).boundingBox();
    expect(x >= 0 && x + width <= 390, `${said} stands from ${x} to ${x + width}`);
  }
  expect(!(await window.getByLabel("State").isVisible()), "the results are what is seen first");
  await window.getByLabel("More to search by").check();
  await window.getByLabel("State").selectOption("failed");
  await window.getByRole("button", { name: "Search" }).click();
  await window.locator(`#t-${failed.id}`).waitFor();
  expect(await window.getByLabel("State").isVisible(), "what is asked for stays in sight");
  await window.context().close();
});

await check("every page is there without scripts", async () => {
  const window = await open({ scripts: false, cookies });
  for (const path of paths) {
    await window.goto(path, { waitUntil: "commit" });
    await window.locator("h1").first().waitFor();
  }
  await window.goto("/console");
  await window.getByRole("heading", { name: "Messages a minute" }).waitFor();
  await window.goto("/console/live");
  await window.getByRole("row").filter({ hasText: "447700900123" }).first().waitFor();
  await window.context().close();
});

await check("the keyboard reaches the content and every section", async () => {
  await page.goto("/console");
  await page.keyboard.press("Tab");
  expect(await page.locator(":focus").textContent() === "Skip to content", "the first stop leads to the content");
  await page.keyboard.press("Enter");
  expect(await page.evaluate(() => document.activeElement.id) === "content", "the content has the focus");
  const sections = await page.getByRole("navigation", { name: "Sections" }).getByRole("link").allTextContents();
  expect(sections.includes("Transactions") && sections.includes("Translator"), sections.join());
});

await check("the overview counts what is unknown and moves by itself", async () => {
  await page.goto("/console");
  await page.getByText("Live", { exact: true }).and(page.getByRole("status")).waitFor();
  const card = page.getByRole("region", { name: "Unknown" });
  expect((await card.locator(".figure").textContent()) === "1", await card.textContent());
  await page.getByRole("img", { name: /In the last hour \d+ sent, \d+ failed, \d+ unknown/ }).waitFor();
  const another = await lost();
  await card.locator(".figure").getByText("2", { exact: true }).waitFor();
  await card.getByRole("link", { name: "Look and decide" }).click();
  expect(await page.getByRole("row").count() === 3, "a head and two messages");
  await page.locator(`#t-${another}`).getByRole("link").click();
});

await check("a search finds by number, by id and by state", async () => {
  await page.goto("/console/transactions");
  await page.getByLabel("Id or number").fill("+44 7700 900123");
  await page.getByRole("button", { name: "Search" }).click();
  await page.locator(`#t-${sent.id}`).waitFor();
  expect(await page.getByRole("row").count() === 2, "a head and one message");
  await page.getByLabel("Id or number").fill(sent.body.messages[0].id);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/transactions/${sent.id}`);
  await page.goto("/console/transactions");
  await page.getByLabel("State").selectOption("failed");
  await page.getByRole("button", { name: "Search" }).click();
  await page.locator(`#t-${failed.id}`).waitFor();
  expect(await page.getByLabel("State").inputValue() === "failed", "the form is as it was");
});

await check("a transaction is told from its request to its last status, and what was lost stands out", async () => {
  await page.goto(`/console/transactions/${sent.id}`);
  const steps = await page.getByRole("listitem").locator("strong").allTextContents();
  for (const step of ["Received", "Checked", "Recorded", "Attempt 1", "Attempt 1: sent", "The provider told: delivered"]) {
    expect(steps.includes(step), `${step} is not among ${steps.join(", ")}`);
  }
  for (const title of ["The client's request", "What was understood", "The upstream's request", "The upstream's answer"]) {
    await page.getByRole("region", { name: title }).locator("pre").waitFor();
  }
  await page.goto(`/console/transactions/${lossy.id}`);
  const client = page.getByRole("region", { name: "The client's request" });
  expect((await client.locator("mark").textContent()).includes("colour"), "the lost member is marked where it stood");
  await page.getByRole("region", { name: "What was lost or bent" }).getByText("colour").first().waitFor();
  await until("it says of which step the client was not told", async () => {
    await page.reload();
    return page.getByText("Callback to 127.0.0.1: delivered").count();
  });
});

await check("a message is sent again after a look at what would be sent", async () => {
  await page.goto(`/console/transactions/${unknown}`);
  await page.getByRole("link", { name: "Send again…" }).click();
  await page.getByRole("region", { name: "What would be sent now" }).locator("pre").waitFor();
  expect((await transaction(unknown)).state === "unknown", "nothing has happened yet");
  await page.getByRole("button", { name: "Send again" }).click();
  await page.getByRole("status").getByText("It is sent again").waitFor();
  await until("it was tried twice", async () => (await transaction(unknown)).attempts.length > 1);
});

await check("what went out is sent again only by who insists", async () => {
  await page.goto(`/console/transactions/${sent.id}/send-again`);
  await page.getByText("its recipient gets it twice").waitFor();
  await page.getByRole("button", { name: "Send again" }).click();
  expect((await transaction(sent.id)).turns.every((turn) => turn.cause !== "replay"), "the box was not ticked");
  await page.getByLabel("I know, and insist").check();
  await page.getByRole("button", { name: "Send again" }).click();
  await page.getByRole("status").getByText("It is sent again").waitFor();
});

await check("an unknown message is settled as somebody found out", async () => {
  const one = await lost();
  await page.goto(`/console/transactions/${one}`);
  await page.getByRole("link", { name: "It was not sent…" }).click();
  await page.getByRole("button", { name: "It was not sent" }).click();
  await page.getByText("It counts as failed.").waitFor();
  expect((await transaction(one)).state === "failed", "it is settled");
});

await check("the tail shows what comes while it comes, and pauses", async () => {
  await page.goto("/console/live");
  await page.getByRole("status").getByText("Live").waitFor();
  const first = await text("447700900130");
  await page.locator(`#t-${first.id}`).waitFor();
  await page.locator(`#t-${first.id}`).getByText("read").waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("status").getByText("Paused").waitFor();
  const second = await text("447700900131");
  await until("it is read", async () => (await transaction(second.id)).state === "read");
  expect(await page.locator(`#t-${second.id}`).count() === 0, "nothing moves while it is paused");
  await page.getByRole("button", { name: "Go on" }).click();
  await page.locator(`#t-${second.id}`).waitFor();
});

await check("a dead letter is sent again by itself, and all of them after a look", async () => {
  await page.goto("/console/callbacks");
  expect(await page.getByRole("row").count() >= 3, "a head and what the desk was not told");
  await page.getByRole("button", { name: /^Send again/ }).first().click();
  await page.getByRole("status").getByText("1 sent again").waitFor();
  await page.goto("/console/callbacks");
  await page.getByRole("link", { name: "Send all dead ones again…" }).click();
  await page.getByRole("button", { name: /^Send \d+ again/ }).click();
  await page.getByRole("status").getByText(/\d+ sent again/).waitFor();
});

await check("the set-up shows no secret", async () => {
  await page.goto("/console/setup");
  const shown = await page.content();
  for (const secret of ["shop-key", "desk-key", "night-key", "breaks-key", "admin-token", "hidden"]) expect(!shown.includes(secret), secret);
  await page.getByRole("heading", { name: "desk" }).waitFor();
});

await check("the translator says a request in every dialect, and names what is lost", async () => {
  await page.goto("/console/translator?from=cloud");
  await page.getByLabel("Request, JSON").fill(
    JSON.stringify({ messaging_product: "whatsapp", to: "447700900123", type: "text", text: { body: "Hi" }, colour: "teal" }),
  );
  await page.getByRole("button", { name: "Translate" }).click();
  for (const name of ["aisoule", "aisoule-app", "on-premises", "cloud", "channel-request"]) {
    await page.getByRole("region", { name, exact: true }).locator("pre").waitFor();
  }
  await page.getByRole("region", { name: "aisoule", exact: true }).locator("mark").getByText("colour").waitFor();
  await page.getByLabel("Request, JSON").fill("{");
  await page.getByRole("button", { name: "Translate" }).click();
  await page.getByRole("alert").getByText("no valid JSON").waitFor();
});

await check("signing out ends it", async () => {
  await page.goto("/console");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.goto("/console");
  expect(new URL(page.url()).pathname === "/console/sign-in", page.url());
});

await end();
