import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { PROTOCOL_REPLIES, type ProtocolReply, protocolReply } from '../../../gateway/smtp/replies.ts';
import { tlsOptions } from '../../../gateway/tls/profiles.ts';
import { brokerError, type ErrorKind } from '../../../shared/domain/errors.ts';
import { OUTCOMES, type Outcome } from '../../../shared/protocol/outcomes.ts';
import { type SmtpReply, smtpReplyOf } from '../../../shared/protocol/smtp-reply.ts';
import { ERROR_TEXTS } from '../../../shared/protocol/texts/index.ts';
import { type Home, makeHome, missing } from '../clients/home.ts';
import { type Recipe, recipe } from '../clients/recipes.ts';
import { arrived, eventually, type Json } from '../support.ts';
import { type GatewayOffice, gatewayOffice } from './office.ts';

const PAGE = 'gateway-devices.md';
const TEXT = readFileSync(new URL(`../../../docs/${PAGE}`, import.meta.url), 'utf8');

/** What a device can meet at the gateway itself; of all other kinds it hears nothing, as it has its 250 by then. */
const AT_THE_PANEL: readonly ErrorKind[] = [
  ...(['invalid_request', 'invalid_client', 'too_many_attempts'] as const),
  ...(['slot_not_bound', 'not_signed_in', 'signed_out'] as const),
  ...(['sender_not_allowed', 'not_a_message', 'message_too_large'] as const),
  ...(['too_much_mail', 'gateway_full', 'broker_unreachable', 'internal'] as const),
];
const LATER: readonly ErrorKind[] = [
  ...(['payload_too_large', 'waiting_for_sign_in', 'sign_in_lapsed', 'consent_withdrawn'] as const),
  ...(['consent_needed', 'more_proof_needed', 'conditional_access', 'account_unavailable'] as const),
  ...(['scope_not_offered', 'scope_not_granted', 'provider_unavailable', 'stored_sign_in_missing'] as const),
  ...(['stored_sign_in_unreadable', 'vault_unavailable', 'store_unavailable'] as const),
  ...(['app_registration_refused', 'invalid_recipient'] as const),
  ...(['mail_server_unavailable', 'mail_server_misconfigured', 'mail_server_refused_sign_in'] as const),
  ...(['smtp_switched_off', 'sending_limit_reached', 'mail_server_refused_message'] as const),
  ...(['outcome_unknown', 'held_too_long'] as const),
];

const lineOf = ({ code, enhancedCode, text }: SmtpReply): string => `${code} ${enhancedCode} ${text}`;

/** The rows of the first table below a heading, each a list of cells. */
const tableBelow = (heading: string): readonly (readonly string[])[] => {
  const section = TEXT.split(/^#+ /m).find((one) => one.startsWith(`${heading}\n`));
  const [table] = /(?:^\|.*\n)+/m.exec(section ?? '') ?? assert.fail(`${PAGE} has no table under "${heading}"`);
  const rows = table.trim().split('\n').slice(2);
  return rows.map((row) => row.slice(2, -2).split(' | '));
};

describe('the page on devices', () => {
  it('has every reply that a panel may show for an error, with its remedy', () => {
    const wanted = AT_THE_PANEL.map((kind) => [
      `\`${lineOf(smtpReplyOf(brokerError(kind), 'en'))}\``,
      ERROR_TEXTS.en[kind][1],
    ]);
    assert.deepEqual(tableBelow('What the panel shows'), wanted);
  });

  it('has decided for every error that SMTP knows whether a panel shows it', () => {
    const onSmtp = Object.entries<Outcome>(OUTCOMES).flatMap(([kind, { smtp }]) => (smtp === undefined ? [] : [kind]));
    assert.deepEqual([...AT_THE_PANEL, ...LATER].toSorted(), onSmtp.toSorted());
  });

  it('has every refusal of the protocol, and says what to do', () => {
    const names = Object.keys(PROTOCOL_REPLIES) as ProtocolReply[];
    const refusals = names.map(protocolReply).filter(({ code }) => code >= 400);
    const rows = tableBelow('Said before it comes to a message');
    assert.deepEqual(
      rows.map(([reply]) => reply),
      refusals.map((reply) => `\`${lineOf(reply)}\``),
    );
    for (const [reply, remedy = ''] of rows) assert.match(remedy, /\w+.*\.$/, `${reply} has no remedy`);
  });

  it('advises each age of device to a profile that serves it, and to none that is weaker than it needs', () => {
    const advised = tableBelow('Which port for which device').slice(0, 3);
    const served = advised.map(([versions = '', profile]) => [versions, profile?.replaceAll('`', '')]);
    assert.deepEqual(served, [
      ['1.3', 'modern'],
      ['1.2', 'compatible'],
      ['1.0 or 1.1', 'legacy'],
    ]);
    const oldest = ['modern', 'compatible', 'legacy'] as const;
    assert.deepEqual(
      oldest.map((profile) => tlsOptions(profile).minVersion),
      ['TLSv1.2', 'TLSv1.2', 'TLSv1'],
    );
  });

  describe('has recipes that work', () => {
    let office: GatewayOffice;
    let home: Home;
    let values: Readonly<Record<string, string>>;

    const follow = (title: string): Recipe => recipe(title, values, PAGE);

    /** The settings as the page shows them, on whatever ports are free. */
    const settingsOf = (title: string, put: Readonly<Record<string, string>>): Json => {
      const [block] = recipe(title, put, PAGE).blocks.filter(({ language }) => language === 'json');
      return JSON.parse(block?.text ?? assert.fail(`"${title}" shows no settings`)) as Json;
    };

    before(async () => {
      const { listeners } = settingsOf('Which port for which device', { '"port"': '"port"' }) as {
        listeners: readonly { readonly port: number }[];
      };
      const free = listeners.map((one) => ({ ...one, port: 0 }));
      office = await gatewayOffice({ settings: { names: ['127.0.0.1'], listeners: free } });
      const running = office.gateway.ready.listeners;
      const portFor = (port: number): string =>
        String(running[listeners.findIndex((one) => one.port === port)]?.port ?? assert.fail(`no port for ${port}`));
      home = await makeHome();
      values = {
        'gateway.office.example': '127.0.0.1',
        CLIENT_ID: office.device.clientId,
        CLIENT_SECRET: office.device.clientSecret,
        '/home/you': home.path,
        '2525': portFor(2525),
        '2110': portFor(2110),
        '8025': new URL(office.gateway.ready.status).port,
        '192.168.7.20': '127.0.0.9',
      };
      const listed = settingsOf('Devices that cannot sign in', values);
      const same = listeners.map((one, index) => ({ ...one, port: running[index]?.port ?? 0 }));
      await office.configure({ names: ['127.0.0.1'], listeners: same, ...listed });
      office.gateway.signal('SIGHUP');
      await eventually(
        'the settings are taken',
        () => office.gateway.output().includes('gateway.reloaded') || undefined,
      );
      await succeed(follow('The root certificate').commands.join(''));
    });
    after(async () => {
      await office?.close();
      await home?.remove();
    });

    const succeed = async (commands: string): Promise<string> => {
      const { code, stdout, stderr } = await home.run(commands);
      assert.equal(code, 0, `${stdout}\n${stderr}`);
      return stdout;
    };

    const assertArrives = async (subject: string, to = 'you@example.net'): Promise<void> => {
      const message = await eventually(`"${subject}" arrives`, async () =>
        (await arrived(office.broker)).find((one) => one.subject === subject),
      );
      assert.deepEqual([message.envelope_from, message.envelope_to], [office.address, [to]]);
      assert.match(message.raw, /\r\n\r\nHello\r\n/);
    };

    it('for the root certificate, in both forms', async () => {
      assert.match(await readFile(join(home.path, 'gateway-ca.pem'), 'utf8'), /^-----BEGIN CERTIFICATE-----/);
      assert.equal((await readFile(join(home.path, 'gateway-ca.crt')))[0], 0x30);
    });

    for (const program of ['swaks', 'msmtp', 'curl'] as const) {
      it(`for ${program}`, { skip: missing(program, 'curl') }, async () => {
        const { files, commands } = follow(program);
        await home.write(files);
        await succeed(commands.join(''));
        await assertArrives(`Sent by ${program}`);
      });
    }

    it('for Python', { skip: missing('python3', 'curl') }, async () => {
      const { files, commands } = follow('Python');
      await home.write(files);
      await succeed(commands.join(''));
      await assertArrives('Sent by Python');
    });

    it('for devices that receive', { skip: missing('curl') }, async () => {
      const list = await succeed(follow('Devices that receive').commands.join(''));
      assert.match(list, /^1 \d+\r?\n/);
    });

    it('for devices that cannot sign in', { skip: missing('swaks') || process.platform !== 'linux' }, async () => {
      const to = 'ann@example.org';
      const what = `--from ${office.address} --to ${to} --header 'Subject: Sent without a password' --body Hello`;
      const where = `--server 127.0.0.1 --port ${values['2525']} --local-interface 127.0.0.9`;
      await succeed(`HOME=/nonexistent swaks ${where} ${what}`);
      await assertArrives('Sent without a password', to);
    });
  });
});
