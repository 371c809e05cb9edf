// whatsapp-business (Cloud API): throws the error member of an answer, with words of its own for the codes that it knows.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { finished } from 'node:stream/promises';
import { WABAClient } from 'whatsapp-business';
import { address, check, content, failure, key, latest, link, person, picture, silent } from './check.mjs';

function connect(apiToken) {
  const client = new WABAClient({ accountId: '9912000', apiToken, phoneId: '5512000' });
  client.restClient.fetch.defaults.baseURL = `${address}/v17.0`;
  return client;
}

const client = connect(key);

async function sent(message) {
  const answer = await client.sendMessage({ to: person, ...message });
  assert.deepEqual(answer.contacts, [{ input: person, wa_id: person }]);
  return content(answer.messages[0].id);
}

await check('sendMessage: a text', async () => {
  assert.equal((await sent({ type: 'text', text: { body: 'Bay 2 is open' } })).text.body, 'Bay 2 is open');
});

await check('sendMessage: an image by link and by id', async () => {
  assert.deepEqual((await sent({ type: 'image', image: { link } })).media.source, { link });
  assert.deepEqual((await sent({ type: 'image', image: { id: '1013859600' } })).media.source, { id: '1013859600' });
});

await check('sendMessage: a template', async () => {
  const components = [{ type: 'body', parameters: [{ type: 'text', text: 'Ada' }] }];
  const template = { name: 'bay_open', language: { policy: 'deterministic', code: 'en_GB' }, components };
  assert.equal((await sent({ type: 'template', template })).template.components[0].parameters[0].value.text, 'Ada');
});

await check('sendMessage: buttons', async () => {
  const buttons = [{ type: 'reply', reply: { id: 'yes', title: 'Yes' } }];
  const interactive = { type: 'button', body: { text: 'Book bay 2?' }, action: { buttons } };
  assert.equal((await sent({ type: 'interactive', interactive })).interactive.action.buttons[0].id, 'yes');
});

await check('markMessageAsRead', async () => {
  assert.deepEqual(await client.markMessageAsRead('wamid.HBgMNDQ3'), { success: true });
  assert.equal((await latest()).read.message_id, 'wamid.HBgMNDQ3');
});

await check('uploadMedia in pieces, getMedia, downloadMedia, deleteMedia', async () => {
  const { id } = await client.uploadMedia({ file: picture, type: 'image/png' });
  const described = await client.getMedia(id);
  assert.deepEqual([described.id, described.mime_type], [id, 'image/png']);
  await finished(await client.downloadMedia(described.url, 'downloaded.png'));
  assert.deepEqual(await readFile('downloaded.png'), await readFile(picture));
  assert.ok((await sent({ type: 'image', image: { id } })).media.source.id);
  assert.deepEqual(await client.deleteMedia(id), { success: true });
  assert.equal((await failure(client.getMedia(id))).code, 100);
});

await check('a refusal and a wrong key are errors that it knows', async () => {
  const late = await failure(client.sendMessage({ to: silent, type: 'text', text: { body: 'Hi' } }));
  assert.deepEqual([late.code, late.message], [131047, 'Re-engagement message']);
  assert.ok(late.error_data.details);
  const refused = await failure(connect('wrong').sendMessage({ to: person, type: 'text', text: { body: 'Hi' } }));
  assert.deepEqual([refused.code, refused.message], [190, 'Access token has expired']);
});
