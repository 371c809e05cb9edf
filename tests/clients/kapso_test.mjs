// @kapso/whatsapp-cloud-api (Cloud API): has an option for the address, and sorts errors by their codes.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { WhatsAppClient, buildTemplateSendPayload } from '@kapso/whatsapp-cloud-api';
import { address, check, content, failure, key, latest, link, person, picture, provider, silent, stranger, tooLarge } from './check.mjs';

const connect = (accessToken) => new WhatsAppClient({ baseUrl: address, accessToken });
const { media, messages } = connect(key);
const to = { phoneNumberId: '5512000', to: `+${person}` };

async function sent(promise) {
  const answer = await promise;
  assert.equal(answer.messagingProduct, 'whatsapp');
  assert.deepEqual(answer.contacts, [{ input: to.to, waId: person }]);
  return content(answer.messages[0].id);
}

await check('sendText', async () => {
  const { text } = await sent(messages.sendText({ ...to, body: 'Bay 2 is open', previewUrl: true }));
  assert.deepEqual(text, { body: 'Bay 2 is open', preview_url: true });
});

await check('sendText as a reply', async () => {
  await sent(messages.sendText({ ...to, body: 'On our way', contextMessageId: 'wamid.HBgMNDQ3' }));
  assert.equal((await latest()).send.reply_to.message_id, 'wamid.HBgMNDQ3');
});

await check('sendImage by link and by id', async () => {
  const linked = await sent(messages.sendImage({ ...to, image: { link, caption: 'Bay 2' } }));
  assert.deepEqual(linked.media, { kind: 'image', source: { link }, caption: 'Bay 2' });
  const named = await sent(messages.sendImage({ ...to, image: { id: '1013859600' } }));
  assert.deepEqual(named.media.source, { id: '1013859600' });
});

await check('sendDocument, sendVideo and sendAudio', async () => {
  const document = await sent(messages.sendDocument({ ...to, document: { link, filename: 'invoice.pdf' } }));
  assert.equal(document.media.filename, 'invoice.pdf');
  assert.equal((await sent(messages.sendVideo({ ...to, video: { link } }))).media.kind, 'video');
  assert.equal((await sent(messages.sendAudio({ ...to, audio: { link } }))).media.kind, 'audio');
});

await check('sendTemplate', async () => {
  const body = [{ type: 'text', text: 'Ada' }];
  const template = buildTemplateSendPayload({ name: 'bay_open', language: 'en_GB', body });
  const arrived = (await sent(messages.sendTemplate({ ...to, template }))).template;
  assert.equal(arrived.language, 'en_GB');
  assert.equal(arrived.components[0].parameters[0].value.text, 'Ada');
});

await check('sendInteractiveButtons', async () => {
  const buttons = [{ id: 'yes', title: 'Yes' }, { id: 'no', title: 'No' }];
  const header = { type: 'image', image: { link } };
  const { interactive } = await sent(messages.sendInteractiveButtons({ ...to, header, bodyText: 'Book bay 2?', buttons }));
  assert.deepEqual(interactive.action.buttons, buttons);
});

await check('sendInteractiveList', async () => {
  const sections = [{ title: 'Bays', rows: [{ id: '2', title: 'Bay 2', description: 'Open' }] }];
  const list = { ...to, bodyText: 'Which one?', buttonText: 'Choose', footerText: 'Until six', sections };
  const { interactive } = await sent(messages.sendInteractiveList(list));
  assert.equal(interactive.action.list.sections[0].rows[0].id, '2');
});

await check('sendInteractiveCtaUrl, which only the Cloud API has', async () => {
  const parameters = { displayText: 'Open', url: 'https://example.net/map' };
  const call = messages.sendInteractiveCtaUrl({ ...to, bodyText: 'The map', parameters });
  if (provider === 'cloud') return void assert.ok((await sent(call)).interactive);
  assert.match((await failure(call)).details, /interactive\.type/);
});

await check('sendLocation, sendContacts and sendReaction', async () => {
  const place = await sent(messages.sendLocation({ ...to, location: { latitude: 51.5, longitude: -0.12, name: 'Bay 2' } }));
  assert.equal(place.location.name, 'Bay 2');
  const contacts = [{ name: { formattedName: 'Ada Byron', firstName: 'Ada' }, phones: [{ phone: '+447700900124' }] }];
  assert.equal((await sent(messages.sendContacts({ ...to, contacts }))).contacts[0].formatted_name, 'Ada Byron');
  const reaction = { messageId: 'wamid.HBgMNDQ3', emoji: '👍' };
  assert.equal((await sent(messages.sendReaction({ ...to, reaction }))).reaction.emoji, '👍');
});

await check('markRead', async () => {
  assert.deepEqual(await messages.markRead({ phoneNumberId: '5512000', messageId: 'wamid.HBgMNDQ3' }), { success: true });
  assert.equal((await latest()).read.message_id, 'wamid.HBgMNDQ3');
});

await check('media: upload, get, download, sendImage, delete', async () => {
  const bytes = await readFile(picture);
  const upload = { phoneNumberId: '5512000', type: 'image/png', file: new Blob([bytes], { type: 'image/png' }) };
  const { id } = await media.upload({ ...upload, fileName: 'picture.png' });
  const described = await media.get({ mediaId: id, phoneNumberId: '5512000' });
  assert.deepEqual([described.mimeType, Number(described.fileSize)], ['image/png', bytes.length]);
  // Only Kapso's own host gets the key unasked.
  assert.deepEqual(Buffer.from(await media.download({ mediaId: id, auth: 'always' })), bytes);
  assert.ok((await sent(messages.sendImage({ ...to, image: { id } }))).media.source.id);
  assert.deepEqual(await media.delete({ mediaId: id }), { success: true });
  assert.equal((await failure(media.get({ mediaId: id }))).code, 100);
});

await check('media.upload of a file that is too large is an error that can be read', async () => {
  const file = new Blob([Buffer.alloc(tooLarge)]);
  const error = await failure(media.upload({ phoneNumberId: '5512000', type: 'image/png', file, fileName: 'large.png' }));
  assert.deepEqual([error.name, error.httpStatus], ['GraphApiError', 413]);
});

await check('refusals are sorted: undeliverable, window closed', async () => {
  const undeliverable = await failure(messages.sendText({ ...to, to: stranger, body: 'Hi' }));
  assert.deepEqual([undeliverable.name, undeliverable.code, undeliverable.httpStatus], ['GraphApiError', 131026, 400]);
  assert.ok(undeliverable.fbtraceId && undeliverable.details);
  const late = await failure(messages.sendText({ ...to, to: silent, body: 'Hi' }));
  assert.deepEqual([late.category, late.retry.action], ['reengagementWindow', 'do_not_retry']);
});

await check('a wrong key is an authorization error', async () => {
  const error = await failure(connect('wrong').messages.sendText({ ...to, body: 'Hi' }));
  assert.ok(error.isAuthError() && error.httpStatus === 401);
});
