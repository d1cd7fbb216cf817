import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Provider } from 'oidc-provider';
import { formIn, makePerson } from '../../local/demo/person.ts';
import { SCOPES } from '../../shared/protocol/scopes.ts';
import { type TestCertificate, testCertificate } from '../fakes/certificate.ts';
import { startForeignMail } from '../fakes/foreign-mail.ts';
import { startForeignOAuth } from '../fakes/foreign-oauth.ts';
import {
  boundDevice,
  eventually,
  fetchToken,
  freePort,
  postMessage,
  signIn,
  signInLink,
  smallMessage,
  submissionIn,
  type WireBroker,
  wireBroker,
} from './support.ts';

const MAIN = fileURLToPath(new URL('../../local/main.ts', import.meta.url));

/** The address is nobody's: the stand-ins do not know it. */
const ADDRESS = 'mfp@firm.example';

/** Lets a test see the second refresh without long waits. */
const TOKEN_SECONDS = 2;

let folder: string;
let certificate: TestCertificate;
let caFile: string;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'token-broker-foreign-'));
  certificate = await testCertificate();
  caFile = join(folder, 'ca.pem');
  await writeFile(caFile, certificate.cert);
});
after(() => rm(folder, { recursive: true, force: true }));

const configFile = async (name: string, document: unknown): Promise<string> => {
  const path = join(folder, `${name}.json`);
  await writeFile(path, typeof document === 'string' ? document : JSON.stringify(document), { mode: 0o600 });
  return path;
};

/** From "never signed in" to a message that the foreign mail server took, and through two refreshes. */
const walkForeignJourney = async (
  broker: WireBroker,
  provider: 'microsoft' | 'google',
  mail: Awaited<ReturnType<typeof startForeignMail>>,
  enter: (mailboxId: string) => Promise<{ readonly body: string }>,
): Promise<void> => {
  const { mailboxId, device } = await boundDevice(broker, provider, ADDRESS);
  const end = await enter(mailboxId);
  assert.match(end.body, /data-result="completed"/, end.body + broker.output());
  const mailbox = await broker.administer('GET', `/mailboxes/${mailboxId}`);
  assert.equal(mailbox.token_status, 'acquired');
  assert.equal(mailbox.signed_in_account, ADDRESS);

  const { body: token } = await fetchToken(broker, device);
  assert.equal(token.account, ADDRESS);
  assert.equal(token.provider, provider);
  assert.deepEqual(token.server, mail.smtp);
  assert.ok(Number.isInteger(token.expires_in) && Number(token.expires_in) <= TOKEN_SECONDS);

  const seen = new Set([token.access_token]);
  await eventually('two refreshes bring new tokens', async () => {
    const { status, body, text } = await fetchToken(broker, device);
    assert.equal(status, 200, text);
    seen.add(body.access_token);
    return seen.size >= 3 ? true : undefined;
  });

  const messageId = `<foreign-${provider}@firm.example>`;
  const { status, body } = await postMessage(broker, device, smallMessage(ADDRESS, messageId));
  assert.equal(status, 202);
  await submissionIn(broker, device, body.submission_id, 'sent');
  const [message] = mail.messages();
  assert.equal(message?.user, ADDRESS);
  assert.equal(message?.from, ADDRESS);
  assert.deepEqual(message?.to, ['archive@example.org']);
  assert.ok(message?.raw.includes(messageId));
};

describe('a plain OAuth server and a mail server that nobody here wrote for', { concurrency: 5 }, () => {
  for (const { provider, security, minimal, trust } of [
    { provider: 'microsoft', security: 'starttls', minimal: false, trust: 'ca_file' },
    { provider: 'microsoft', security: 'tls', minimal: true, trust: 'NODE_EXTRA_CA_CERTS' },
    { provider: 'google', security: 'tls', minimal: false, trust: 'ca_file' },
    { provider: 'google', security: 'starttls', minimal: true, trust: 'NODE_EXTRA_CA_CERTS' },
  ] as const) {
    const what = `${minimal ? 'a minimal one' : 'a usual one'}, ${security}, trusted by ${trust}`;
    test(`carry the whole journey in place of ${provider}: ${what}`, async (t) => {
      const client = { clientId: 'the-broker', clientSecret: 'not / a + GUID & with = signs' };
      const options = { ...client, address: ADDRESS, accessTokenSeconds: TOKEN_SECONDS, minimal };
      const oauth = await startForeignOAuth(options);
      t.after(oauth.close);
      const mail = await startForeignMail({ certificate, security, ownerOf: oauth.ownerOf });
      t.after(mail.close);
      const entry = {
        client_id: client.clientId,
        client_secret: client.clientSecret,
        endpoints: oauth.endpoints,
        smtp: { ...mail.smtp, ...(trust === 'ca_file' ? { ca_file: caFile } : {}) },
      };
      const broker = await wireBroker({
        BROKER_CONFIG: await configFile(`${provider}-${security}`, { providers: { [provider]: entry } }),
        ...(trust === 'NODE_EXTRA_CA_CERTS' ? { NODE_EXTRA_CA_CERTS: caFile } : {}),
      });
      t.after(broker.close);

      await walkForeignJourney(broker, provider, mail, (mailboxId) => signIn(broker, mailboxId, { username: '' }));
      assert.ok(oauth.refreshes() >= 3);
      // Strict rotation: one refresh token used twice would have ended it all.
      assert.deepEqual(oauth.faults(), []);
    });
  }

  test('are not believed without a certificate that somebody vouches for: the mail waits', async (t) => {
    const client = { clientId: 'the-broker', clientSecret: 'a-secret' };
    const oauth = await startForeignOAuth({ ...client, address: ADDRESS, accessTokenSeconds: 3600 });
    t.after(oauth.close);
    const mail = await startForeignMail({ certificate, security: 'starttls', ownerOf: oauth.ownerOf });
    t.after(mail.close);
    const entry = { client_id: 'the-broker', client_secret: 'a-secret', endpoints: oauth.endpoints, smtp: mail.smtp };
    const config = await configFile('untrusted', { providers: { google: entry } });
    const broker = await wireBroker({ BROKER_CONFIG: config });
    t.after(broker.close);
    const { mailboxId, device } = await boundDevice(broker, 'google', ADDRESS);
    await signIn(broker, mailboxId, { username: '' });
    const { body } = await postMessage(broker, device, smallMessage(ADDRESS, '<untrusted@firm.example>'));
    const waiting = await submissionIn(broker, device, body.submission_id, 'deferred');
    assert.match(String(waiting.last_response), /certificate/i);
    assert.equal(mail.messages().length, 0);
  });
});

describe('oidc-provider as it comes', () => {
  test('carries the whole journey in place of Microsoft, with its own login pages', async (t) => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
    t.after(() => {
      server.closeAllConnections();
      server.close();
    });
    const port = await freePort();
    const oidc = new Provider(issuer, {
      clients: [
        {
          client_id: 'the-broker',
          client_secret: 'a-secret-of-enough-length',
          redirect_uris: [`http://localhost:${port}/oauth/callback/microsoft`],
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          token_endpoint_auth_method: 'client_secret_post',
        },
      ],
      scopes: ['openid', 'offline_access', ...Object.values(SCOPES.microsoft)],
      claims: { openid: ['sub'], email: ['email'], profile: ['name'] },
      // The address stands in the ID token, as Microsoft has it; the broker knows of no userinfo endpoint.
      conformIdTokenClaims: false,
      findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, email: id, name: id }) }),
      issueRefreshToken: async () => true,
      ttl: { AccessToken: TOKEN_SECONDS },
    });
    server.on('request', oidc.callback());

    const mail = await startForeignMail({ certificate, security: 'starttls', ownerOf: () => ADDRESS });
    t.after(mail.close);
    const microsoft = {
      client_id: 'the-broker',
      client_secret: 'a-secret-of-enough-length',
      endpoints: {
        // The server gives offline_access only with this prompt (OpenID Connect Core, section 11).
        authorization_endpoint: `${issuer}/auth?prompt=consent`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        issuer,
      },
      smtp: { ...mail.smtp, ca_file: caFile },
    };
    const config = await configFile('oidc-provider', { providers: { microsoft } });
    const broker = await wireBroker({ BROKER_CONFIG: config, BROKER_PORT: port });
    t.after(broker.close);

    await walkForeignJourney(broker, 'microsoft', mail, async (mailboxId) => {
      const person = makePerson();
      let page = await person.open((await signInLink(broker, mailboxId)).url);
      for (let form = formIn(page); form !== undefined; form = formIn(page)) {
        const login = form.fields.some(([name]) => name === 'login');
        page = await person.submit(page, undefined, login ? { login: ADDRESS, password: 'any' } : {});
      }
      return page;
    });
  });
});

describe('a configuration that does not fit', { concurrency: 3 }, () => {
  const ID = { client_id: 'id', client_secret: 'the-secret-value' };
  const GUID = '0f8fad5b-d9cb-469f-a165-70867728950e';
  const smtp = { host: 'mail.example', port: 587, security: 'starttls' };
  const endpoints = { authorization_endpoint: 'https://a.example/', token_endpoint: 'https://a.example/token' };

  const CASES: readonly (readonly [what: string, document: unknown, says: RegExp])[] = [
    ['is no JSON', '{"providers": the-secret-value', /is not JSON/],
    ['is empty', '', /is not JSON/],
    ['is no object', '"the-secret-value"', /must be Object/],
    ['is a list', [{}], /must be an object/],
    ['has an unknown field', { providers: {}, colour: 'the-secret-value' }, /colour is not known/],
    ['has an unknown provider', { providers: { yahoo: ID } }, /providers\.yahoo is not known/],
    [
      'misspells a field',
      { providers: { google: { ...ID, clientsecret: 'the-secret-value' } } },
      /clientsecret is not/,
    ],
    ['lacks a secret', { providers: { google: { client_id: 'id' } } }, /google\.client_secret is missing/],
    [
      'has the id of a secret',
      { providers: { microsoft: { ...ID, client_secret: GUID } } },
      /GUID.*copy the secret Value/,
    ],
    [
      'has a secret that is no text',
      { providers: { google: { ...ID, client_secret: ['the-secret-value'] } } },
      /secret/,
    ],
    [
      'names http:// beyond loopback',
      {
        providers: {
          google: { ...ID, endpoints: { ...endpoints, token_endpoint: 'http://the-secret-value.example/' } },
        },
      },
      /endpoints\.token_endpoint must be https/,
    ],
    [
      'has an endpoint that is no URL',
      { providers: { microsoft: { ...ID, endpoints: { ...endpoints, token_endpoint: 'the-secret-value' } } } },
      /endpoints\.token_endpoint is not a URL/,
    ],
    ['has a port that is none', { providers: { google: { ...ID, smtp: { ...smtp, port: 70_000 } } } }, /smtp\.port/],
    ['has no encryption', { providers: { google: { ...ID, smtp: { ...smtp, security: 'none' } } } }, /smtp\.security/],
    ['has a tenant that is none', { providers: { microsoft: { ...ID, tenant: '../x' } } }, /tenant is not a tenant/],
    [
      'names a CA file that is not there',
      { providers: { google: { ...ID, smtp: { ...smtp, ca_file: '/nonexistent/ca.pem' } } } },
      /ca_file|\/nonexistent\/ca\.pem/,
    ],
    [
      'names a CA file that holds no certificate',
      { providers: { google: { ...ID, smtp: { ...smtp, ca_file: fileURLToPath(import.meta.url) } } } },
      /ca_file names .* which does not begin with a certificate in PEM form/,
    ],
  ];

  let starts = 0;

  /** Must end by itself; a broker that starts all the same is killed. */
  const startAndFail = async (settings: Readonly<Record<string, string>>, says: RegExp): Promise<void> => {
    const { PATH = '', HOME = '' } = process.env;
    const free = {
      BROKER_PORT: '0',
      STAND_IN_PORT: '0',
      STAND_IN_SMTP_PORT: '0',
      STAND_IN_POP_PORT: '0',
      STAND_IN_IMAP_PORT: '0',
    };
    const env = { PATH, HOME, ...free, BROKER_DATA_DIR: join(folder, `data-${starts++}`), ...settings };
    const child = spawn(process.execPath, [MAIN], { env, timeout: 10_000, killSignal: 'SIGKILL' });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    const [status] = await once(child, 'close');
    assert.equal(status, 1, stdout + stderr);
    assert.match(stderr, /^error: [^\n]+\.\n$/);
    assert.match(stderr, says);
    assert.doesNotMatch(stderr, /the-secret-value/);
    assert.ok(!stderr.includes(GUID));
    assert.equal(stdout, '');
  };

  for (const [what, document, says] of CASES) {
    test(`stops the start with one sentence and exit code 1 when it ${what}`, async () => {
      const file = await configFile(what.replaceAll(/\W/g, '-'), document);
      await startAndFail({ BROKER_CONFIG: file }, says);
    });
  }

  test('stops the start when the file is missing, or a port or URL is none', async () => {
    for (const [settings, says] of [
      [{ BROKER_CONFIG: join(folder, 'missing.json') }, /missing\.json/],
      [{ BROKER_CONFIG: folder }, /cannot be read/],
      [{ BROKER_PORT: 'http' }, /BROKER_PORT/],
      [{ BROKER_PORT: '99999' }, /BROKER_PORT/],
      [{ BROKER_PUBLIC_URL: 'broker.example' }, /BROKER_PUBLIC_URL/],
      [{ BROKER_PUBLIC_URL: 'https://broker.example/path' }, /BROKER_PUBLIC_URL/],
    ] as const) {
      await startAndFail(settings, says);
    }
  });

  test('is none when it is empty, also after a byte order mark, or every variable is', async () => {
    const broker = await wireBroker({ BROKER_CONFIG: await configFile('empty', '\uFEFF{}'), BROKER_PUBLIC_URL: '' });
    try {
      assert.equal((await fetch(`${broker.url}/health`)).status, 200);
      assert.match(broker.output(), /"stand_in_providers":\["microsoft","google"\]/);
    } finally {
      await broker.close();
    }
  });
});
