// What the tests of JavaScript clients share: gateway, key and provider, a line for each check, what the provider got.

import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';

export const address = process.env.SABIR_ADDRESS;
export const key = process.env.SABIR_KEY;
// The dialect of the provider behind the gateway.
export const provider = process.env.SABIR_PROVIDER;

export const person = '447700900123';
// The sandbox refuses messages to these: not on WhatsApp, the window of 24 hours is closed.
export const stranger = '99900131026';
export const silent = '99900131047';
export const link = 'https://files.example.net/bay/2.png';
// Larger than the gateway of these tests takes.
export const tooLarge = 3_000_000;
export const picture = fileURLToPath(new URL('picture.png', import.meta.url));

/** Runs a test and prints how it went. Its result, if any, is the test's. */
export async function check(what, test) {
  try {
    const result = await test();
    console.log(`ok    ${what}`);
    return result;
  } catch (error) {
    const place = error?.stack?.split('\n').find((line) => line.includes('_test.mjs'))?.trim() ?? '';
    const reason = (error?.message ?? JSON.stringify(error)).replace(/\s+/g, ' ');
    console.log(`FAIL  ${what}: ${reason} ${place}`);
  }
}

/** The error that a promise ends with. */
export async function failure(promise) {
  const [outcome] = await Promise.allSettled([promise]);
  assert.equal(outcome.status, 'rejected', 'the call was expected to fail');
  return outcome.reason;
}

/** What the provider got last, as it understood it. */
export async function latest() {
  return (await received())[0].request;
}

/** What the provider got under an id that a client was told. */
export async function content(id) {
  return (await received()).find((one) => one.id === id)?.request.send.content;
}

async function received() {
  return (await fetch(`${address}/sandbox/messages`)).json();
}
