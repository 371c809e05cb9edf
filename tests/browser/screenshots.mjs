// The pictures in README.md and docs/, of a gateway that had something to do. Run by scripts/screenshots.

import { REFUSED, check, end, lost, open, send, signIn, text, transaction, until } from "./browser.mjs";

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

async function picture(name, path, options = {}) {
  await check(name, async () => {
    const page = await open({ cookies, ...options });
    await page.goto(path);
    await page.locator("h1").first().waitFor();
    await page.screenshot({ path: `${folder}/${name}.png`, fullPage: options.whole ?? false });
    await page.context().close();
  });
}

await picture("overview", "/console", { whole: true });
await picture("overview-dark", "/console", { dark: true, whole: true });
await picture("transaction", `/console/transactions/${lossy.id}`, { whole: true });
await picture("translator", "/console/translator?from=aisoule");

await end();
