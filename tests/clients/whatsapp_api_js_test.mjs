// whatsapp-api-js (Cloud API): takes a fetch of one's own, which sends its calls here; errors are answers to it.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { WhatsAppAPI } from 'whatsapp-api-js';
import * as m from 'whatsapp-api-js/messages';
import { address, check, content, key, latest, link, person, picture, provider, stranger } from './check.mjs';

const connect = (token) => new WhatsAppAPI({ token, v: 'v24.0', secure: false, ponyfill: { fetch: here } });
const api = connect(key);

function here(url, options) {
  return fetch(String(url).replace('https://graph.facebook.com', address), options);
}

async function sent(message, ...more) {
  const answer = await api.sendMessage('5512000', { phone: person }, message, ...more);
  assert.deepEqual(answer.contacts, [{ input: person, wa_id: person }], JSON.stringify(answer));
  return content(answer.messages[0].id);
}

await check('a text, also as a reply', async () => {
  assert.equal((await sent(new m.Text('Bay 2 is open'))).text.body, 'Bay 2 is open');
  await sent(new m.Text('On our way'), 'wamid.HBgMNDQ3', 'order-7');
  assert.equal((await latest()).send.reply_to.message_id, 'wamid.HBgMNDQ3');
});

await check('an image by link and by id', async () => {
  assert.deepEqual((await sent(new m.Image(link, false, 'Bay 2'))).media.source, { link });
  assert.deepEqual((await sent(new m.Image('1013859600', true))).media.source, { id: '1013859600' });
});

await check('a document, a video, an audio and a sticker', async () => {
  const { media } = await sent(new m.Document(link, false, 'Invoice', 'invoice.pdf'));
  assert.deepEqual([media.caption, media.filename], ['Invoice', 'invoice.pdf']);
  assert.equal((await sent(new m.Video(link))).media.kind, 'video');
  assert.equal((await sent(new m.Audio(link))).media.kind, 'audio');
  assert.equal((await sent(new m.Sticker(link))).media.kind, 'sticker');
});

await check('a template with a picture, an amount of money and two buttons', async () => {
  const { template } = await sent(
    new m.Template(
      'bay_open',
      'en_GB',
      new m.HeaderComponent(new m.HeaderParameter(new m.Image(link))),
      new m.BodyComponent(new m.BodyParameter('Ada'), new m.BodyParameter(new m.Currency(1500, 'GBP', '£1.50'))),
      new m.URLComponent('bay/2'),
      new m.PayloadComponent('stop'),
    ),
  );
  assert.equal(template.language, 'en_GB');
  assert.deepEqual(template.components.slice(0, 2).map((component) => component.kind), ['header', 'body']);
  assert.equal(template.components.length, 4);
});

await check('buttons and a list', async () => {
  const buttons = new m.ActionButtons(new m.Button('yes', 'Yes'), new m.Button('no', 'No'));
  const asked = await sent(new m.Interactive(buttons, new m.Body('Book bay 2?'), new m.Header('Bays'), new m.Footer('!')));
  assert.deepEqual(asked.interactive.action.buttons.map((button) => button.id), ['yes', 'no']);
  const list = new m.ActionList('Choose', new m.ListSection('Bays', new m.Row('2', 'Bay 2', 'Open')));
  const listed = await sent(new m.Interactive(list, new m.Body('Which one?')));
  assert.equal(listed.interactive.action.list.sections[0].rows[0].id, '2');
});

await check('a place, a card and a reaction', async () => {
  assert.equal((await sent(new m.Location(-0.12, 51.5, 'Bay 2'))).location.name, 'Bay 2');
  const card = new m.Contacts([new m.Name('Ada Byron', 'Ada'), new m.Phone('+447700900124', 'WORK')]);
  assert.equal((await sent(card)).contacts[0].formatted_name, 'Ada Byron');
  assert.equal((await sent(new m.Reaction('wamid.HBgMNDQ3', '👍'))).reaction.emoji, '👍');
});

await check('markAsRead, with the typing indicator where there is one', async () => {
  assert.deepEqual(await api.markAsRead('5512000', 'wamid.HBgMNDQ3'), { success: true });
  assert.equal((await latest()).read.message_id, 'wamid.HBgMNDQ3');
  const typing = await api.markAsRead('5512000', 'wamid.HBgMNDQ3', 'text');
  if (provider === 'cloud') assert.deepEqual(typing, { success: true });
  else assert.match(typing.error.error_data.details, /typing_indicator/);
});

await check('uploadMedia without a type, its product in the query; retrieveMedia, fetchMedia, deleteMedia', async () => {
  const bytes = await readFile(picture);
  const form = new FormData();
  form.set('file', new Blob([bytes], { type: 'image/png' }), 'picture.png');
  const { id } = await api.uploadMedia('5512000', form);
  const described = await api.retrieveMedia(id, '5512000');
  assert.deepEqual([described.messaging_product, described.mime_type], ['whatsapp', 'image/png']);
  const fetched = await api.fetchMedia(described.url);
  assert.equal(fetched.headers.get('content-type'), 'image/png');
  assert.deepEqual(Buffer.from(await fetched.arrayBuffer()), bytes);
  assert.ok((await sent(new m.Image(id, true))).media.source.id);
  assert.deepEqual(await api.deleteMedia(id, '5512000'), { success: true });
  assert.equal((await api.retrieveMedia(id)).error.code, 100);
});

await check('a refusal and a wrong key are errors with integers as codes', async () => {
  const { error } = await api.sendMessage('5512000', { phone: stranger }, new m.Text('Hi'));
  assert.equal(error.code, 131026);
  assert.ok(error.message && error.type && error.fbtrace_id);
  const refused = await connect('wrong').sendMessage('5512000', { phone: person }, new m.Text('Hi'));
  assert.equal(refused.error.code, 190);
});
