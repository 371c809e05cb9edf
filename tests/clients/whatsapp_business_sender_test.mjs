// @hyperjumptech/whatsapp-business-sender (On-Premises): log in, check the contact, send a template, as of 2021.

import assert from 'node:assert/strict';
import sender from '@hyperjumptech/whatsapp-business-sender';
import { address, check, content, failure, key, person, silent } from './check.mjs';

const language = { policy: 'deterministic', code: 'en' };
const components = [{ type: 'body', parameters: [{ type: 'text', text: 'Ada' }] }];
const template = { namespace: 'sandbox', name: 'bay_open', language, components };

const token = await check('loginUser', async () => {
  const { users } = await sender.loginUser(address, { username: 'admin', password: key });
  assert.equal(users.length, 1);
  assert.match(users[0].expires_after, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00$/);
  return users[0].token;
});

await check('checkContacts', async () => {
  const { contacts } = await sender.checkContacts(address, token, ['+44 7700 900123', '12']);
  assert.deepEqual(contacts[0], { input: '+44 7700 900123', status: 'valid', wa_id: person });
  assert.deepEqual(contacts[1], { input: '12', status: 'invalid' });
});

await check('sendMessageTemplateText', async () => {
  const answer = await sender.sendMessageTemplateText(address, token, { phone: person, template });
  const arrived = (await content(answer.messages[0].id)).template;
  assert.deepEqual([arrived.name, arrived.language], ['bay_open', 'en']);
});

await check('refusals are errors: a wrong password, a wrong token, a message that is not taken', async () => {
  const wrong = { username: 'admin', password: 'wrong' };
  assert.match((await failure(sender.loginUser(address, wrong))).message, /401/);
  const unknown = sender.sendMessageTemplateText(address, 'wrong', { phone: person, template });
  assert.match((await failure(unknown)).message, /401/);
  const late = sender.sendMessageTemplateText(address, token, { phone: silent, template });
  assert.match((await failure(late)).message, /4\d\d/);
});
