import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createTransport } from 'nodemailer';
import { basicOf } from '../support.ts';
import type { GatewayOffice } from './office.ts';

/** A device hands in a message, and has it accepted. Resolves with the submission's id. */
export const handIn = async (
  { ports, device, address }: Pick<GatewayOffice, 'ports' | 'device' | 'address'>,
  raw: string,
  to: readonly string[],
): Promise<string> => {
  const auth = { user: device.clientId, pass: device.clientSecret };
  const transport = createTransport({ host: '127.0.0.1', port: ports.smtp, ignoreTLS: true, auth });
  const { response } = await transport.sendMail({ envelope: { from: address, to: [...to] }, raw });
  assert.match(response, /^250 2\.0\.0 Accepted sub_/);
  return response.split(' ').at(-1) ?? '';
};

/** Somebody presses "Try now" at the status page, for what waits there. */
export const tryNow = async ({ page, folder }: Pick<GatewayOffice, 'page' | 'folder'>): Promise<void> => {
  const password = (await readFile(join(folder, 'data/status-password'), 'utf8')).trim();
  const headers = { authorization: basicOf('admin', password) };
  const text = await (await page('/', { headers })).text();
  const [, path] = /action="(\/mailboxes\/[^"]+\/try)"/.exec(text) ?? assert.fail('nothing waits at the status page');
  const [, token] = /name="form_token" value="([^"]+)"/.exec(text) ?? assert.fail('the status page has no form');
  const body = new URLSearchParams({ form_token: token ?? '' });
  const pressed = await page(path ?? '', { method: 'POST', headers, body });
  assert.equal(pressed.status, 200, await pressed.text());
};
