import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { ADMIN_KEY, basicOf, call, eventually, fetchToken } from '../support.ts';
import { authPlain, beginMessage, openCall } from './device.ts';
import { type Site, type SiteDevice, startSite } from './site.ts';
import { arrives, type SiteGateway, shownAs, startSiteGateway } from './site-gateway.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** In the clear, or as it goes over the wire. */
const spellings = (secret: string): readonly string[] => [
  secret,
  base64(secret),
  encodeURIComponent(secret),
  Buffer.from(secret).toString('hex'),
];

/** Where it may stand, by the names of files below the data folder: who the gateway itself is, and its own keys. */
const OWN = /^(identity\.json|status-password|certificates\/)/;

describe('a gateway', () => {
  let site: Site;
  let gateway: SiteGateway;
  let device: SiteDevice;
  let listed: SiteDevice;
  /** To be found nowhere, by what they are. */
  const secrets = new Map<string, string>();
  /** What people and programs are shown. */
  const shown: string[] = [];
  const content = `What the document says: ${randomBytes(20).toString('hex')}`;
  const subject = `A name that says much ${randomBytes(8).toString('hex')}`;
  const message = `Subject: ${subject}\r\n\r\n${content}\r\n`;

  const filesIn = async (folder: string): Promise<ReadonlyMap<string, Buffer>> => {
    const found = new Map<string, Buffer>();
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (entry.isFile()) found.set(relative(folder, path), await readFile(path));
    }
    return found;
  };

  const files = () => filesIn(String(gateway.env.GATEWAY_DATA_DIR));

  const assertNowhere = (places: Iterable<readonly [where: string, text: Buffer | string]>): void => {
    for (const [where, text] of places) {
      for (const [what, secret] of secrets) {
        for (const spelling of spellings(secret)) assert.ok(!text.includes(spelling), `${what} lies in ${where}`);
      }
    }
  };

  const collectProviderTokens = (): void => {
    const path = join(site.world.folder, 'stand-ins', 'stand-ins.db');
    const database = new DatabaseSync(path, { readOnly: true });
    for (const { model, id, payload } of database.prepare('SELECT model, id, payload FROM stand_in_artifacts').all()) {
      if (model === 'RefreshToken' || model === 'AccessToken')
        secrets.set(`${model} ${String(id).slice(0, 6)}`, String(id));
      const { jwt } = JSON.parse(String(payload)) as { jwt?: string };
      if (jwt !== undefined) secrets.set(`${model} as JWT`, jwt);
    }
    database.close();
  };

  before(async () => {
    site = await startSite();
    listed = await site.addDevice('listed');
    device = await site.addDevice('secretive');
    const { clientId: client_id, clientSecret: client_secret } = listed;
    gateway = await startSiteGateway(site, 'gateway', {
      isQuick: true,
      settings: { listed_devices: [{ network: '127.0.0.1', client_id, client_secret }] },
    });
    secrets.set('the secret of a device', device.clientSecret);
    secrets.set('the secret of a listed device', listed.clientSecret);
    secrets.set('the content of a message', content);
    secrets.set('the subject of a message', subject);
    secrets.set('a whole AUTH line', authPlain(device).split(' ')[2] ?? '');
    secrets.set('a whole LOGIN answer', base64(device.clientSecret));
    secrets.set('the enrolment token', String(gateway.env.GATEWAY_ENROLMENT_TOKEN));
    secrets.set('the admin key', ADMIN_KEY);
  });
  after(async () => {
    await gateway?.close();
    await site?.close();
  });

  /** Says all of it, whatever is answered. */
  const converse = async (lines: readonly string[]): Promise<void> => {
    const session = await openCall(gateway.port);
    await session.reply();
    for (const line of lines) if ((await session.say(line)) === undefined) break;
    session.close();
  };

  it('is given its secrets in every way in which a device may do it wrong', async () => {
    const { clientId, clientSecret } = device;
    const sent = await gateway.accept(device, subject, { content: message });
    await shownAs(site, sent, 'sent');
    for (const lines of [
      ['EHLO x', 'AUTH LOGIN', base64(clientId), base64(clientSecret)],
      // In each other's place, in no code, in half of one, and where none belongs.
      ['EHLO x', 'AUTH LOGIN', base64(clientSecret), base64(clientId)],
      ['EHLO x', `AUTH LOGIN ${base64(clientSecret)}`, base64(clientId)],
      ['EHLO x', 'AUTH LOGIN', clientId, clientSecret],
      ['EHLO x', `AUTH PLAIN ${clientSecret}`],
      [`EHLO ${clientSecret}`, `MAIL FROM:<${clientSecret}>`, clientSecret],
      ['EHLO x', authPlain({ clientId: 'nobody234567', clientSecret })],
      ['EHLO x', 'MAIL FROM:<a@contoso.example>', authPlain(device), `RCPT TO:<${clientSecret}>`, 'DATA', content, '.'],
      ['EHLO x', `AUTH ${clientSecret} ${clientSecret}`],
      [authPlain(device), authPlain(device)],
    ]) {
      await converse(lines);
    }
    // Broken off in the middle of the message.
    const session = await openCall(gateway.port);
    assert.equal(await beginMessage(session, device), undefined);
    await session.send(`${message}${content}`);
    session.close();
  });

  it('waits with a message, and is looked at from everywhere', async () => {
    const refusal = { kind: 'reply', text: '535 5.7.139 the request did not meet the criteria' } as const;
    site.line.at('AUTH', refusal, { user: device.from });
    const id = await gateway.accept(device, subject, { content: message });
    await shownAs(site, id, 'held');
    const cookie = (
      await call(`${site.broker.url}/console/login`, {
        method: 'POST',
        body: new URLSearchParams({ admin_key: ADMIN_KEY }),
      })
    ).headers
      .get('set-cookie')
      ?.split(';')[0];
    for (const path of ['/', '/metrics', '/health']) shown.push(await gateway.page(path));
    const { client_id } = gateway.process.ready;
    for (const path of [
      '/console/submissions',
      `/console/submissions/${id}`,
      `/console/devices/${device.clientId}`,
      `/console/devices/${client_id}`,
      `/console/mailboxes/${device.mailboxId}`,
    ]) {
      const page = await call(`${site.broker.url}${path}`, { headers: { cookie: cookie ?? '' } });
      assert.equal(page.status, 200, path);
      shown.push(page.text);
    }
    // The control: these pages show what they are to show, of this very message.
    assert.ok(shown.filter((page) => page.includes(id)).length >= 3);
    assert.ok(shown[1]?.includes('mfp_gateway_messages_accepted_total 2'), shown[1]?.slice(0, 500));
    assert.ok(shown.some((page) => page.includes('Scanner at reception')));
  });

  it('has written none of them anywhere, but for the message that waits', async () => {
    collectProviderTokens();
    assert.ok([...secrets.keys()].some((name) => name.startsWith('RefreshToken')));
    const basic = basicOf(device.clientId, device.clientSecret);
    const { body } = await fetchToken(site.broker, { ...device, basic } as never);
    secrets.set('the access token', String(body.access_token));
    for (const [what, secret] of secrets) assert.ok(secret.length >= 20, what);
    const found = await files();
    const contents = [...found].filter(([name]) => name.endsWith('.eml'));
    assert.equal(contents.length, 1);
    assert.ok(contents[0]?.[1].includes(content), 'the search finds what is there');
    assert.ok(gateway.output().includes('smtp.sign_in_refused'));
    assert.match(gateway.output(), /"smtp.signed_in","method":"address"/);
    const rest = [...found].filter(([name]) => !name.endsWith('.eml') && !OWN.test(name));
    assert.ok(rest.some(([name]) => name === 'devices.json') && rest.some(([name]) => name.endsWith('.json')));
    assertNowhere([
      ...rest,
      ['the log of the gateway', gateway.output()],
      ['the log of the broker', site.broker.output()],
      // Nor do documents pass through it.
      ...(await filesIn(site.broker.folder)),
      ...shown.map((page, index) => [`page ${index}: ${page.slice(0, 200)}`, page] as const),
    ]);
    const { client_secret, registration_access_token } = JSON.parse(String(found.get('identity.json')));
    for (const own of [String(client_secret), String(registration_access_token)]) {
      for (const [name, text] of [...rest, ['the log', Buffer.from(gateway.output())] as const]) {
        assert.ok(!text.includes(own), `what the gateway proves itself with lies in ${name}`);
      }
    }
  });

  it('keeps nothing of a message that was sent', async () => {
    const { mailboxId } = device;
    const authorized = await gateway.page();
    const [, token = ''] = /name="form_token" value="([^"]+)"/.exec(authorized) ?? [];
    const password = (await readFile(join(String(gateway.env.GATEWAY_DATA_DIR), 'status-password'), 'utf8')).trim();
    const address = `http://127.0.0.1:${gateway.env.GATEWAY_STATUS_PORT}`;
    const pressed = await fetch(`${address}/mailboxes/${mailboxId}/try`, {
      method: 'POST',
      redirect: 'manual',
      headers: { authorization: `Basic ${base64(`admin:${password}`)}`, origin: address },
      body: new URLSearchParams({ form_token: token }),
    });
    assert.equal(pressed.status, 303, await pressed.text());
    await arrives(site, subject, 2);
    const found = await eventually('all is let go of', async () => {
      const now = await files();
      return [...now.keys()].some((name) => name.endsWith('.eml')) ? undefined : now;
    });
    assertNowhere([...[...found].filter(([name]) => !OWN.test(name)), ['the log of the gateway', gateway.output()]]);
  });
});
