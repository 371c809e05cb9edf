// A browser at the gateway: what all checks of pages begin with, and what holds for every page.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** The gateway's address, without a slash at its end. */
export const address = process.env.SABIR_ADDRESS;

/** A number of the sandbox that is on no WhatsApp. */
export const REFUSED = "99900131026";

/** Bytes of a page, with all that it brings along, at most. */
const MOST = 200_000;

const browser = await chromium.launch({
  executablePath: process.env.SABIR_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu"],
});

let failed = 0;

/** One check: its lines are told as they come, and one that fails ends nothing but itself. */
export async function check(name, body) {
  try {
    await body();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}: ${error.message.split("\n").slice(0, 12).join("\n      ")}`);
  }
}

/** Says how it went, to whoever started this. */
export async function end() {
  await browser.close();
  process.exitCode = failed > 0 ? 1 : 0;
}

export function expect(is, what) {
  if (!is) throw new Error(what);
}

/** A window: `{ dark, phone, scripts, cookies }`. Whatever a page asks for from elsewhere, or logs as an error, is a fault. */
export async function open({ dark = false, phone = false, scripts = true, cookies = [], scale = 1 } = {}) {
  const context = await browser.newContext({
    baseURL: address,
    colorScheme: dark ? "dark" : "light",
    viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 860 },
    deviceScaleFactor: scale,
    javaScriptEnabled: scripts,
    reducedMotion: "reduce",
  });
  await context.addCookies(cookies);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.faults = [];
  page.on("console", (line) => {
    if (line.type() === "error") page.faults.push(line.text());
  });
  page.on("pageerror", (error) => page.faults.push(error.message));
  page.on("request", (request) => {
    if (!request.url().startsWith(address)) page.faults.push(`asks ${request.url()}`);
  });
  return page;
}

/** Signs in, and gives the cookies that other windows may begin with. */
export async function signIn(page, to = "/console") {
  await page.goto(to);
  await page.getByLabel("Admin token").fill("admin-token");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => !url.pathname.endsWith("/sign-in"));
  return page.context().cookies();
}

/** What every page is: small, readable to everybody, no wider than its window, and without faults. */
export async function look(page, path) {
  let bytes = 0;
  const count = async (response) => {
    if (!response.headers()["content-type"]?.startsWith("text/event-stream")) {
      bytes += (await response.body().catch(() => "")).length;
    }
  };
  page.on("response", count);
  const answer = await page.goto(path, { waitUntil: "load" });
  page.off("response", count);
  expect(answer.status() === 200, `${path} answered ${answer.status()}`);
  expect(bytes < MOST, `${path} has ${bytes} bytes`);
  expect(page.faults.length === 0, `${path}: ${page.faults.join("; ")}`);
  const isWide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  expect(!isWide, `${path} is wider than its window`);
  await accessible(page, path);
}

/** Nothing that axe calls serious or critical. */
export async function accessible(page, name) {
  // As a program of the debugger, which the pages' policy says nothing about.
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  const bad = violations.filter((one) => ["serious", "critical"].includes(one.impact));
  const told = bad.map((one) => `${one.id} (${one.nodes.map((node) => node.html.slice(0, 120)).slice(0, 3).join(" | ")})`);
  expect(bad.length === 0, `${name}: ${told.join("; ")}`);
}

/** A client sends a message; what it is answered. */
export async function send(key, body) {
  const answer = await fetch(`${address}/v1/messages`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: answer.status, id: answer.headers.get("sabir-transaction-id"), body: await answer.json() };
}

/** A text of the account `shop`. */
export function text(to, body = "Bay 2 is open") {
  return send("shop-key", { messaging_product: "whatsapp", to, type: "text", text: { body } });
}

/** A message of which nobody knows whether it went out: its transaction. */
export async function lost(to = "447700900150") {
  const { id } = await send("night-key", { messaging_product: "whatsapp", to, type: "text", text: { body: "Is anybody there?" } });
  await until("it is unknown", async () => (await transaction(id)).state === "unknown");
  return id;
}

/** Asks until it is so, and no longer than somebody would wait. */
export async function until(what, ask) {
  const end = Date.now() + 15_000;
  while (Date.now() < end) {
    const found = await ask();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`never: ${what}`);
}

/** What the admin API says of a transaction. */
export async function transaction(id) {
  const answer = await fetch(`${address}/admin/v1/transactions/${id}`, { headers: { authorization: "Bearer admin-token" } });
  return answer.json();
}
