// Takes callbacks in the dialect of the Cloud API: looks at the signature, answers at once, and only then thinks.
//
//   CALLBACK_SECRET=… PORT=9000 node receive.mjs

import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

/** Over the bytes as they came: the same JSON written anew has another signature. */
function isGenuine(signature = '', body) {
  const expected = Buffer.from(`sha256=${createHmac('sha256', process.env.CALLBACK_SECRET).update(body).digest('hex')}`);
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}

/** One event in each call. It may come twice: whoever keeps it remembers the id and the status. */
function hear(event) {
  const { statuses = [], messages = [] } = event.entry[0].changes[0].value;
  for (const status of statuses) console.log('status', status.id, status.status);
  for (const message of messages) console.log('message', message.id, message.type);
}

const server = createServer(async (request, answer) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = Buffer.concat(chunks);
  const genuine = isGenuine(request.headers['x-hub-signature-256'], body);
  answer.writeHead(genuine ? 200 : 401).end();
  if (genuine) hear(JSON.parse(body));
});

server.listen(Number(process.env.PORT ?? 9000), '127.0.0.1', () => {
  console.log(`listens on http://127.0.0.1:${server.address().port}`);
});
