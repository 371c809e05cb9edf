// Sends a text through the gateway, in the dialect of the Cloud API, with nothing but Node (18 or later).
//
//   SABIR_URL=http://127.0.0.1:8080 SABIR_KEY=… node send.mjs 447700900123 'Bay 2 is open'

import { setTimeout as pause } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';

/** The message's id, by which its statuses will name it, and the id of its transaction. */
async function send(to, text) {
  const request = {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${process.env.SABIR_KEY}`,
      'Content-Type': 'application/json',
      // The same key in every try: however often is asked, the message goes out once.
      'Idempotency-Key': randomUUID(),
    },
    body: JSON.stringify({ messaging_product: 'whatsapp', to, type: 'text', text: { body: text } }),
  };
  for (let attempt = 0; attempt < 6; attempt += 1) {
    let wait = 2 ** attempt;
    try {
      const answer = await fetch(`${process.env.SABIR_URL}/messages`, { ...request, signal: AbortSignal.timeout(15_000) });
      const told = await answer.json();
      if (answer.ok) return [told.messages[0].id, answer.headers.get('Sabir-Transaction-Id')];
      // 409: the first try is still under way. All else below 500 will not be mended by another try.
      if (![409, 429].includes(answer.status) && answer.status < 500) {
        throw new Refused(`${told.error.message}: ${told.error.error_data.details}`);
      }
      wait = Number(answer.headers.get('Retry-After') ?? wait);
    } catch (error) {
      if (error instanceof Refused) throw error;
      // Not reached, or no answer: perhaps it was taken, and the key sees to it that it is not taken twice.
    }
    await pause(wait * 1000);
  }
  throw new Refused('the gateway does not take it; try again later with the same key');
}

class Refused extends Error {}

try {
  console.log(...(await send(process.argv[2], process.argv[3])));
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
