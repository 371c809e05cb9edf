// The sandbox's inbox as somebody uses it who tries a client: looks, writes, presses, orders.

import { address, accessible, check, end, expect, look, open, send, signIn, text, until } from "./browser.mjs";

const PERSON = "447700900123";
const TALK = `/sandbox/talks/main/${PERSON}`;
const ATTACK = "<img src=x onerror=\"document.title='taken over'\">";

/** One pixel. */
const PICTURE = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==",
  "base64",
);

/** A message of the account `shop`. */
function message(type, content) {
  return send("shop-key", { messaging_product: "whatsapp", to: PERSON, type, [type]: content });
}

/** What a program asks of the sandbox. */
async function ask(method, path, body) {
  const headers = { authorization: "Bearer admin-token", "content-type": "application/json" };
  return fetch(`${address}/sandbox/${path}`, { method, headers, body: body && JSON.stringify(body) });
}

const list = {
  type: "list",
  body: { text: "When will you come?" },
  action: { button: "Choose", sections: [{ title: "Morning", rows: [{ id: "t-9", title: "Nine", description: "Quiet" }] }] },
};
const question = {
  type: "button",
  header: { type: "text", text: "Keep one for you?" },
  body: { text: "We hold it until *noon*." },
  action: { buttons: [{ type: "reply", reply: { id: "y", title: "Yes, please" } }] },
};

const cookies = await signIn(await open(), "/sandbox");

await check("whoever signs in on the way to the inbox gets there", async () => {
  const page = await open();
  await signIn(page, TALK);
  expect(new URL(page.url()).pathname === TALK, page.url());
});

await check("an empty inbox says how to begin, and somebody can write first", async () => {
  const page = await open({ cookies });
  await look(page, "/sandbox");
  await page.getByLabel("Name").fill("Ada Lovelace");
  await page.getByLabel("To", { exact: true }).selectOption("main");
  await page.getByRole("textbox", { name: "Message" }).fill("Is the bakery open?");
  await page.getByRole("button", { name: "Send" }).click();
  await page.waitForURL(`**${TALK}`);
  await page.getByRole("heading", { name: "Ada Lovelace" }).waitFor();
});

await check("messages arrive while somebody looks, with marks, ticks and without running anything", async () => {
  const page = await open({ cookies });
  await page.goto(TALK);
  await page.getByLabel("Write as Ada Lovelace").fill("half a word");
  await text(PERSON, `*Good morning!* ${ATTACK}`);
  const bubble = page.locator(".turn.business").filter({ hasText: "Good morning!" });
  await bubble.waitFor();
  await bubble.getByRole("img", { name: "read" }).waitFor();
  expect((await bubble.locator("strong").textContent()) === "Good morning!", "it is bold");
  expect((await bubble.textContent()).includes(ATTACK), "the attack is text");
  expect((await page.title()).startsWith("Ada Lovelace"), await page.title());
  expect((await page.getByLabel("Write as Ada Lovelace").inputValue()) === "half a word", "what is written stays");
});

await check("a button is pressed, a row chosen, and the answer stands below with what it answers", async () => {
  const page = await open({ cookies });
  await message("interactive", question);
  await message("interactive", list);
  await page.goto(TALK);
  await page.getByRole("button", { name: "Yes, please" }).click();
  const answer = page.locator(".turn.person").filter({ hasText: "Yes, please" });
  await answer.getByText("We hold it until noon.").waitFor();
  await page.locator("summary", { hasText: "Choose" }).click();
  await accessible(page, "a list that is open");
  await page.getByRole("button", { name: "Nine" }).click();
  await page.locator(".turn.person").filter({ hasText: "When will you come?" }).getByText("Nine").waitFor();
  const events = await fetch(`${address}/admin/v1/events`, { headers: { authorization: "Bearer admin-token" } });
  expect(JSON.stringify(await events.json()).includes("interactive"), "the gateway was told");
});

await check("by the keyboard alone: write, send, react", async () => {
  const page = await open({ cookies });
  await page.goto(TALK);
  await page.getByLabel("Write as Ada Lovelace").focus();
  await page.keyboard.type("On my way");
  await page.keyboard.press("Enter");
  await page.locator(".turn.person").filter({ hasText: "On my way" }).waitFor();
  const more = page.locator(".turn.business").last().getByLabel("Answer this message");
  await more.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".turn.business").last().locator(".reactions").getByText("👍").waitFor();
});

await check("a picture and a place are sent, and shown from the sandbox itself", async () => {
  const page = await open({ cookies });
  await page.goto(TALK);
  await page.getByLabel("Attach a file or a place").click();
  await page.getByLabel(/Picture, sound/).setInputFiles({ name: "shelf.png", mimeType: "image/png", buffer: PICTURE });
  await page.getByLabel("Latitude").fill("55.9758");
  await page.getByLabel("Longitude").fill("-3.1707");
  await page.getByRole("button", { name: "Send" }).click();
  const picture = page.locator(".turn.person img");
  await picture.waitFor();
  await until("the picture is there", () => picture.evaluate((image) => image.naturalWidth === 1));
  await page.getByText("55.97580, -3.17070").waitFor();
  expect(page.faults.length === 0, page.faults.join("; "));
});

await check("the next message fails as it is ordered", async () => {
  const page = await open({ cookies });
  await look(page, "/sandbox/provider");
  await page.getByLabel("The next").selectOption({ label: "is taken, then told to have failed: window_closed" });
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByRole("listitem").filter({ hasText: "window_closed" }).first().waitFor();
  await text(PERSON, "Too late?");
  await page.goto(TALK);
  await page.locator(".turn.business.failed").getByText("not delivered · window_closed").waitFor();
});

await check("without scripts a page shows all and its forms work", async () => {
  const page = await open({ cookies, scripts: false });
  await page.goto(TALK);
  await page.getByLabel("Write as Ada Lovelace").fill("No script needed");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".turn.person").filter({ hasText: "No script needed" }).waitFor();
  await page.getByRole("button", { name: "Yes, please" }).click();
  expect((await page.locator(".turn.person").filter({ hasText: "Yes, please" }).count()) === 2, "pressed twice by now");
});

await check("every kind of message can be looked at, by day and by night, at a desk and on a phone", async () => {
  const name = { name: "order_ready", language: "en" };
  await ask("POST", "templates", {
    ...name,
    components: [
      { type: "BODY", text: "Hi *{{1}}*, it is ready." },
      { type: "BUTTONS", buttons: [{ type: "QUICK_REPLY", text: "On my way" }] },
    ],
  });
  const parameters = [{ type: "text", text: "Ada" }];
  const components = [{ type: "body", parameters }];
  await message("template", { name: name.name, language: { code: "en" }, components });
  await message("template", { name: "unknown", language: { code: "en" }, components });
  await message("location", { latitude: 55.9758, longitude: -3.1707, name: "Harbour Bakery", address: "12 Shore" });
  await message("contacts", [{ name: { formatted_name: "Ada", first_name: "Ada" }, phones: [{ phone: "+44 20 7946 0000" }] }]);
  await message("document", { link: "https://files.example.net/receipt.pdf", filename: "receipt.pdf" });
  await message("text", { body: "* one\n* two\n> quoted\n`code` https://example.net/a 👍" });
  await message("text", { body: "🎉" });
  for (const dark of [false, true]) {
    for (const phone of [false, true]) {
      const page = await open({ cookies, dark, phone });
      for (const path of ["/sandbox", TALK, "/sandbox/provider"]) await look(page, path);
      await page.context().close();
    }
  }
});

await check("what is reset is gone, for whoever looks too", async () => {
  const page = await open({ cookies });
  await page.goto("/sandbox");
  await page.getByText("Ada Lovelace").first().waitFor();
  expect((await ask("POST", "reset")).status === 204, "it is reset");
  await page.getByText("No messages yet").waitFor();
});

await end();
