// The pictures in README.md and docs/, of a gateway that had something to do. Run by scripts/screenshots.

import { REFUSED, address, check, end, lost, open, send, signIn, text, transaction, until } from "./browser.mjs";

const folder = process.env.SABIR_PICTURES;

const cookies = await signIn(await open());

// So much as a small shop sends in some minutes.
for (let nth = 0; nth < 60; nth += 1) await text(`4477009001${String(nth % 60).padStart(2, "0")}`, "Your order is on its way");
for (const number of [REFUSED, REFUSED]) await text(number);
for (let nth = 0; nth < 2; nth += 1) await lost();
const lossy = await send("desk-key", {
  to: "447700900124",
  type: "text",
  text: { body: "Bay 2 is open until six", previewUrl: true },
  colour: "teal",
});
await until("it is read", async () => (await transaction(lossy.id)).state === "read");

// Somebody buys bread, as the sandbox's inbox shows it.
const ADA = "447700900321";
const ask = (path, body) =>
  fetch(`${address}/sandbox/${path}`, {
    method: "POST",
    headers: { authorization: "Bearer admin-token", "content-type": "application/json" },
    body: JSON.stringify(body),
  });
const bakery = async (type, content) => {
  const told = await send("shop-key", { messaging_product: "whatsapp", to: ADA, type, [type]: content });
  return told.body.messages[0].id;
};
await ask("templates", {
  name: "order_ready",
  language: "en",
  components: [
    { type: "HEADER", format: "TEXT", text: "Order {{1}}" },
    { type: "BODY", text: "Hi *{{1}}*, it is ready. Collect it at _{{2}}_." },
    { type: "FOOTER", text: "Harbour Bakery" },
    { type: "BUTTONS", buttons: [{ type: "QUICK_REPLY", text: "On my way" }] },
  ],
});
await ask("inbound?upstream=main", { from: "447700900322", name: "Noor Aziz", type: "text", text: { body: "Do you deliver?" } });
await ask("inbound?upstream=main", { from: ADA, name: "Ada Lovelace", type: "text", text: { body: "Is the sourdough ready?" } });
await bakery("text", { body: "*Good morning!* It is, and there is more:\n* Sourdough, _still warm_\n* Rye and walnut\n* ~Focaccia~" });
const question = await bakery("interactive", {
  type: "button",
  body: { text: "Keep one for you until *noon*?" },
  action: {
    buttons: [
      { type: "reply", reply: { id: "yes", title: "Yes, please" } },
      { type: "reply", reply: { id: "no", title: "Not today" } },
    ],
  },
});
await ask("press", { message_id: question, press: "Yes, please" });
const words = (...texts) => texts.map((text) => ({ type: "text", text }));
await bakery("template", {
  name: "order_ready",
  language: { code: "en" },
  components: [
    { type: "header", parameters: words("8841") },
    { type: "body", parameters: words("Ada", "the counter") },
  ],
});

async function picture(name, path, options = {}) {
  await check(name, async () => {
    const page = await open({ cookies, ...options });
    await page.goto(path);
    await page.locator("h1").first().waitFor();
    await options.then?.(page);
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: options.whole ?? false });
    await page.context().close();
  });
}

// What was counted as somebody signed in stands there for a moment.
const counted = (page) => page.getByText(/In the last hour [1-9]/).waitFor();
await picture("overview", "/console", { whole: true, then: counted });
await picture("transaction", `/console/transactions/${lossy.id}`, { whole: true });
await picture("sandbox", `/sandbox/talks/main/${ADA}`);
await picture("translator", "/console/translator?from=aisoule", {
  dark: true,
  whole: true,
  then: async (page) => {
    await page.getByRole("button", { name: "Translate" }).click();
    await page.getByRole("region", { name: "channel-request" }).waitFor();
  },
});

await end();
