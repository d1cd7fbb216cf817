import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { makePerson } from '../../../local/demo/person.ts';
import { standInInboxes } from '../../../local/stand-ins/mail/inboxes.ts';
import { muttOauth2Path } from '../../../scripts/clients.ts';
import {
  arrived,
  type Bound,
  eventually,
  fetchToken,
  type Json,
  signedInDevice,
  type WireBroker,
  wireBroker,
} from '../support.ts';
import { type Ended, type Home, makeHome, missing } from './home.ts';
import { recipe } from './recipes.ts';

/** Programs that nobody here wrote, set up as docs/integrate.md says. */
describe('a program that exists already', () => {
  let broker: WireBroker;
  let bound: Bound;
  let home: Home;
  let values: Readonly<Record<string, string>>;

  before(async () => {
    broker = await wireBroker();
    bound = await signedInDevice(broker, 'microsoft');
    home = await makeHome();
    const serverFor = async (scope: string) =>
      (await fetchToken(broker, bound.device, `?scope=${scope}`)).body.server as Json;
    const [smtp, imap] = [await serverFor('smtp'), await serverFor('imap')];
    values = {
      'https://broker.example.org': broker.url,
      CLIENT_ID: bound.device.clientId,
      CLIENT_SECRET: bound.device.clientSecret,
      'smtp.office365.com': String(smtp.host),
      '587': String(smtp.port),
      // OfflineIMAP looks for a name in the certificate, and for no address.
      'outlook.office365.com': 'localhost',
      '993': String(imap.port),
      '/etc/ssl/certs/ca-certificates.crt': join(broker.folder, 'stand-ins/stand-in.crt'),
      '/home/you': home.path,
      'gpg --encrypt --recipient YOUR_GPG_IDENTITY': 'cat',
    };
    await home.write(recipe('curl', values).files);
  });
  after(async () => {
    await broker.close();
    await home.remove();
  });

  const tokenFor = async (scope: string): Promise<string> =>
    String((await fetchToken(broker, bound.device, `?scope=${scope}`)).body.access_token);

  const assertEnded = ({ code, stdout, stderr }: Ended): void =>
    assert.equal(code, 0, `ended with ${code}:\n${stdout}\n${stderr}`);

  /** By the two commands of the page, with a person between them. */
  const refreshToken = async (scope: string): Promise<string> => {
    const more = { ...values, SCOPE: scope, DEVICE_CODE: '' };
    const begun = await home.run(recipe('A refresh token', more).commands[0] ?? '');
    assertEnded(begun);
    const { device_code, verification_uri_complete } = JSON.parse(begun.stdout) as Json;
    const end = await makePerson().signIn(String(verification_uri_complete), {
      username: bound.address,
      stopAt: 'none',
    });
    assert.match(end.body, /data-result="completed"/);
    const redeem = recipe('A refresh token', { ...more, DEVICE_CODE: String(device_code) }).commands[1] ?? '';
    const token = await home.run(redeem);
    assertEnded(token);
    return String((JSON.parse(token.stdout) as Json).refresh_token);
  };

  /** Waits for the one message with this subject. */
  const arrivedAs = (subject: string) =>
    eventually(`"${subject}" arrives`, async () =>
      (await arrived(broker)).find(({ raw }) => raw.includes(`Subject: ${subject}`)),
    );

  test('curl has nothing but Basic and GET, and gets token and status', { skip: missing('curl') }, async () => {
    const [json, bare, status, ...none] = (recipe('curl', values).commands[0] ?? '').trim().split('\n');
    assert.deepEqual(none, []);
    const accessToken = await tokenFor('smtp');
    const token = JSON.parse((await home.run(json ?? '')).stdout) as Json;
    assert.deepEqual([token.access_token, token.account], [accessToken, bound.address]);
    assert.equal((await home.run(bare ?? '')).stdout, accessToken);
    const { slots } = JSON.parse((await home.run(status ?? '')).stdout) as { slots: readonly Json[] };
    assert.deepEqual(
      slots.map(({ slot, token_status, account }) => [slot, token_status, account]),
      [['scan', 'acquired', bound.address]],
    );
  });

  test('curl ends with an error in place of a token that there is none of', { skip: missing('curl') }, async () => {
    const ended = await home.run(`curl -K ~/.broker.curl '${broker.url}/v1/token?slot=fax'`);
    assert.deepEqual([ended.code, ended.stdout], [22, '']);
  });

  test('msmtp has its token from curl, and sends', { skip: missing('msmtp', 'curl') }, async () => {
    const { files, commands } = recipe('msmtp', values);
    await home.write(files);
    assertEnded(await home.run(commands.join('')));
    const message = await arrivedAs('Sent by msmtp');
    assert.deepEqual([message.user, message.mechanism], [bound.address, 'XOAUTH2']);
    assert.deepEqual(message.envelope_to, ['you@example.net']);
  });

  describe('mutt', {
    skip: muttOauth2Path() === undefined ? 'mutt_oauth2.py is not to be had' : missing('python3', 'curl'),
  }, () => {
    const TOKEN_FILE = '.mutt_oauth2.token';
    const stored = async () => JSON.parse(await readFile(join(home.path, TOKEN_FILE), 'utf8')) as Json;

    /** The script as a user edits it: the registration added, and the pipes changed. */
    const editedScript = async (registration: string): Promise<string> => {
      const file = await readFile(muttOauth2Path() ?? '');
      const script = (file[0] === 0x1f ? gunzipSync(file) : file).toString();
      const edited = script
        .replace(/^registrations = \{\n/m, (line) => `${line}${registration}`)
        .replace(/^(ENCRYPTION|DECRYPTION)_PIPE = .*$/gm, "$1_PIPE = ['cat']");
      assert.equal(edited.match(/_PIPE = \['cat'\]/g)?.length, 2);
      assert.match(edited, /'broker': \{/);
      return edited;
    };

    before(async () => {
      const all = recipe('mutt, with mutt_oauth2.py', { ...values, REFRESH_TOKEN: '' });
      const registration = all.blocks.find(({ language }) => language === 'python')?.text ?? '';
      await home.write({ ...all.files, 'mutt_oauth2.py': await editedScript(registration) });
    });

    test('has a script that keeps a rotating refresh token, and renews an expired access token', async () => {
      const first = await refreshToken('smtp');
      const { commands } = recipe('mutt, with mutt_oauth2.py', { ...values, REFRESH_TOKEN: first });
      const printed = await home.run(commands[0] ?? '');
      assertEnded(printed);
      assert.equal(printed.stdout.trim(), await tokenFor('smtp'));
      const kept = [first];
      for (let time = 0; time < 2; time++) {
        const now = await stored();
        assert.ok(!kept.includes(String(now.refresh_token)), 'the refresh token was used twice');
        kept.push(String(now.refresh_token));
        const expired = { ...now, access_token: 'an old one', access_token_expiration: '2026-01-01T00:00:00' };
        await home.write({ [TOKEN_FILE]: JSON.stringify(expired) });
        const again = await home.run(`python3 ~/mutt_oauth2.py ~/${TOKEN_FILE}`);
        assertEnded(again);
        assert.equal(again.stdout.trim(), await tokenFor('smtp'));
      }
    });

    test('sends with what its script prints', { skip: missing('mutt') }, async () => {
      const { commands } = recipe('mutt, with mutt_oauth2.py', {
        ...values,
        REFRESH_TOKEN: await refreshToken('smtp'),
      });
      for (const command of commands) assertEnded(await home.run(command));
      const message = await arrivedAs('Sent by mutt');
      assert.deepEqual([message.user, message.mechanism], [bound.address, 'XOAUTH2']);
    });
  });

  const messagesIn = async (folder: string): Promise<readonly string[]> => {
    const names = await readdir(join(folder, 'new'));
    return Promise.all(names.map((name) => readFile(join(folder, 'new', name), 'utf8')));
  };

  /** What the messages in a folder say; each reader has its own opinion of their heads. */
  const contentsOf = (messages: readonly string[]): readonly string[] =>
    messages.map((message) => message.replaceAll('\r\n', '\n').split(/\n\n(.*)/s)[1] ?? '').toSorted();

  const imapCounters = async () =>
    (await broker.control('GET', 'imap/counters')) as { signIns: number; refusedSignIns: Json };

  /** Both readers: the token is fetched over HTTP by their own code, and is what the IMAP server is shown. */
  const readsTwice = async (
    reader: Home,
    title: string,
    folder: string,
    betweenRuns: () => Promise<void>,
  ): Promise<void> => {
    const certificate = values['/etc/ssl/certs/ca-certificates.crt'] ?? '';
    const mine = {
      ...{ REFRESH_TOKEN: await refreshToken('imap'), '/home/you': reader.path },
      '/etc/ssl/certs/ca-certificates.crt': join(reader.path, 'authorities.pem'),
    };
    const { files, commands } = recipe(title, { ...values, ...mine });
    await reader.write({ ...files, 'authorities.pem': await readFile(certificate, 'utf8') });
    // While the provider gives out no other, only the token that the broker has now lets a reader in.
    await tokenFor('imap');
    const givenOut = () => broker.control('GET', 'microsoft/counters');
    const before = { givenOut: await givenOut(), ...(await imapCounters()) };
    const run = async (): Promise<number> => {
      assertEnded(await reader.run(commands.join('')));
      return (await imapCounters()).signIns;
    };
    const first = await run();
    assert.ok(first > before.signIns, 'the first run does not sign in');
    const waiting = standInInboxes().of(bound.address);
    assert.deepEqual(
      contentsOf(await messagesIn(join(reader.path, folder))),
      contentsOf(waiting.map(({ text }) => text)),
    );
    await betweenRuns();
    assert.ok((await run()) > first, 'the second run does not sign in');
    assert.deepEqual((await imapCounters()).refusedSignIns, before.refusedSignIns);
    assert.deepEqual(await givenOut(), before.givenOut);
  };

  test('OfflineIMAP reads, run after run with its first refresh token', { skip: missing('offlineimap', 'curl') }, () =>
    readsTwice(home, 'OfflineIMAP', 'OfflineIMAP/INBOX', async () => undefined),
  );

  const getmail = { skip: missing('getmail', 'getmail-gmail-xoauth-tokens', 'curl') };
  test("getmail reads with its helper's token, and has it renewed", getmail, async (t) => {
    // It delivers nothing for root.
    const reader = await makeHome('ordinary');
    t.after(() => reader.remove());
    const file = '.getmail/broker.json';
    const stored = async () => JSON.parse(await readFile(join(reader.path, file), 'utf8')) as Json;
    await readsTwice(reader, 'getmail', 'Maildir', async () => {
      const expired = { ...(await stored()), access_token: 'an old one', expires_at: 0 };
      await reader.write({ [file]: JSON.stringify(expired) });
    });
    assert.equal((await stored()).access_token, await tokenFor('imap'));
  });
});
