import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { withRecipients } from '../../shared/adapters/mime/header-recipients.ts';
import { parseMailboxes } from '../../shared/adapters/mime/mailboxes.ts';
import { mimeMessageFormat } from '../../shared/adapters/mime/mime-message-format.ts';
import { spoolMessage } from '../../shared/adapters/mime/take-apart.ts';
import { decoded } from '../../shared/adapters/mime/transfer-decoding.ts';
import { parseEnvelopeTo } from '../../shared/domain/envelope.ts';

/** Of one thread that everybody shares. What is linear takes a fifth of it on a slow machine, what is not several times. */
const PATIENCE = { timeout: 30_000 };

const OWN = 'scan@contoso.example';
const HEAD = `From: ${OWN}\r\nTo: ann@a.example\r\nMIME-Version: 1.0\r\n`;

const inPieces = function* (message: Buffer) {
  for (let at = 0; at < message.length; at += 65_536) yield message.subarray(at, at + 65_536);
};
const streamOf = (message: string | Buffer): Readable =>
  Readable.from(inPieces(typeof message === 'string' ? Buffer.from(message, 'latin1') : message));

const inspect = (message: string | Buffer) => mimeMessageFormat.inspect(streamOf(message));
const refusal = async (message: string | Buffer): Promise<string> => {
  const found = await inspect(message);
  assert.ok(!found.ok, 'expected no message');
  return found.error;
};

/** As long as a header may be; some of it is for the rest of the header. */
const LONG = 58_000;
const filled = (piece: string, end = ''): string => piece.repeat(Math.floor(LONG / piece.length)) + end;

/** Values that readers who try every beginning anew read for seconds. All are beyond ASCII, so that they must be mended. */
const VALUES: readonly (readonly [what: string, value: string])[] = [
  ['blanks', `\xe4${filled(' ', 'x')}`],
  ['no address', `\xe4"${filled('a')}" <${OWN}>`],
  ['beginnings of encoded words', `\xe4${filled('=?x?q?')}`],
  ['beginnings of encoded words in another line', Buffer.from(`ä${filled('=?x?q?')}\u2028?=`).toString('latin1')],
  ['stars in a character set', Buffer.from(`ä=?${filled('*')}\u2028?q?x?=`).toString('latin1')],
  ['quotes that do not end', `\xe4${filled('"\\')}`],
  ['comments that do not end', `\xe4${filled('(\\')}`],
  ['comments within comments', `\xe4${filled('(')}`],
  ['brackets', `\xe4${filled('<')}`],
  ['commas', `\xe4${filled(',')}`],
  ['addresses', `\xe4, ${filled('a@b,')}`],
  ['groups', `\xe4, ${filled('a:b,')}`],
  ['parameters', `\xe4${filled(';a')}`],
  ['blanks before parameters', `a/b${filled(' ', '\xe4')}; a="${filled(' ')}`],
  ['parameters that are cut', `a/b; name*0*=''\xe4${filled("%'")}`],
];

describe('a message made to keep the broker busy', () => {
  it('is sent under another address as soon as any other', PATIENCE, async () => {
    for (const from of [
      filled('a'),
      'ceo@contoso.example-'.repeat(40),
      'Multi Function Printer on the second floor (scan) <scan@contoso.example>',
      filled('"a" ', '@b.example'),
      filled('"\\'),
    ]) {
      const message = await buffer(mimeMessageFormat.sendAs(streamOf(`From: ${from}\r\n\r\nbody`), OWN));
      assert.ok(message.toString().startsWith(`From: ${OWN}\r\n`), from.slice(0, 40));
    }
  });

  it('is read in no time whatever its header fields hold', PATIENCE, async () => {
    for (let round = 0; round < 3; round++) {
      for (const [, value] of VALUES) {
        for (const name of ['From', 'Sender', 'To', 'Subject', 'Content-Type', 'Content-Disposition', 'Message-ID']) {
          const message = `${name}: ${value.slice(0, LONG)}\r\nSubject: x\r\n\r\nbody`;
          await inspect(message);
          await inspect(`${name}: ${value.slice(0, LONG).replaceAll('\xe4', 'a')}\r\nSubject: x\r\n\r\nbody`);
        }
        withRecipients(Buffer.from(`To: ${value}\r\n`, 'latin1'), [OWN, 'ann@a.example']);
        const part = `--x\r\nContent-Type: a/b; name="${value}"\r\nContent-Disposition: ${value}\r\n\r\n\r\n--x--\r\n`;
        const whole = Buffer.from(`${HEAD}Content-Type: multipart/mixed; boundary=x\r\n\r\n${part}`, 'latin1');
        await (await spoolMessage(Readable.from(inPieces(whole)))).close();
      }
    }
  });

  it('names its sender in no time however long the names are', PATIENCE, () => {
    for (let round = 0; round < 100; round++) {
      const read = parseMailboxes(`"${filled('a')}" <${OWN}>`);
      assert.deepEqual(read.ok && read.value, { addresses: [OWN], claimed: [] });
    }
  });

  it('is decoded in no time whatever blanks it holds', PATIENCE, async () => {
    const content = Buffer.from(`${' '.repeat(990)}x\r\n`.repeat(35_000).concat(`${' '.repeat(64_000)}x`));
    let length = 0;
    for await (const piece of decoded(Readable.from(inPieces(content)), 'quoted-printable')) length += piece.length;
    assert.equal(length, content.length);
  });

  it('leaves an envelope of blanks unread in no time', PATIENCE, () => {
    for (let round = 0; round < 100; round++) {
      assert.ok(!parseEnvelopeTo(`a${' '.repeat(64_000)}b`).ok);
    }
  });

  it('has at most 1000 parts, or is refused', PATIENCE, async () => {
    const multipart = (parts: number) =>
      `${HEAD}Content-Type: multipart/mixed; boundary=x\r\n\r\n${'--x\r\n\r\na\r\n'.repeat(parts - 1)}--x--\r\n`;
    assert.ok((await inspect(multipart(1000))).ok);
    assert.match(await refusal(multipart(1001)), /more than 1000 parts\. Send it as several/);
    assert.match(await refusal(multipart(3_500_000)), /more than 1000 parts/);
  });

  it('is nested at most 50 deep, or is refused', async () => {
    const nested = (depth: number) =>
      `${HEAD}${'Content-Type: message/rfc822\r\n\r\n'.repeat(depth)}Subject: x\r\n\r\n`;
    assert.ok((await inspect(nested(50))).ok);
    assert.match(await refusal(nested(51)), /nested more than 50 deep/);
  });

  it('is read in no time whatever looks like its delimiters', PATIENCE, async () => {
    let head = HEAD;
    for (let at = 0; at < 49; at++)
      head += `Content-Type: multipart/mixed; boundary=${'x'.repeat(at + 1)}\r\n\r\n--${'x'.repeat(at + 1)}\r\n`;
    assert.ok((await inspect(`${head}\r\n${'--xxy\r\n'.repeat(5_000_000)}`)).ok);
  });

  it('has no parts where its boundary is longer than 70 characters (RFC 2046 section 5.1.1)', async () => {
    const broken = (boundary: string) =>
      `${HEAD}Content-Type: multipart/mixed; boundary="${boundary}"\r\n\r\n--${boundary}\r\nContent-Type: a/b\r\n\r\n` +
      `a\xe4\r\n--${boundary}--\r\n`;
    const partsOf = async (boundary: string) => {
      const found = await inspect(broken(boundary));
      return found.ok ? [...found.value.repairs.keys()] : found.error;
    };
    assert.deepEqual(await partsOf('b'.repeat(70)), [1, 0]);
    assert.deepEqual(await partsOf('b'.repeat(71)), []);
  });
});

describe('a header nearly too long', () => {
  const changes = {
    headers: [
      ['Message-ID', `<${'m'.repeat(200)}@contoso.example>`],
      ['Date', 'Sat, 21 Nov 2026 10:00:00 +0000'],
    ] as const,
    without: [],
  };

  /** Everything that may happen to a message once it is accepted. */
  const sentInEveryWay = async (message: string): Promise<void> => {
    const found = await inspect(message);
    assert.ok(found.ok, found.ok ? '' : found.error);
    const prepared = await buffer(mimeMessageFormat.prepare(streamOf(message), found.value.repairs, changes).content);
    const resent = await buffer(mimeMessageFormat.sendAs(streamOf(prepared), 'other@contoso.example'));
    for (const one of [prepared, resent]) {
      await buffer(mimeMessageFormat.toSevenBit(streamOf(one)));
      await (await spoolMessage(Readable.from(inPieces(one)))).close();
    }
  };

  const headerOf = (bytes: number, start: string): string => {
    const lines = [`${start}\r\n`, 'Subject: x\r\n'];
    const filler = bytes - lines.join('').length;
    const line = `X-A: ${'a'.repeat(93)}\r\n`;
    const whole = Math.floor(filler / line.length) - 1;
    const rest = filler - whole * line.length;
    return `${lines.join('')}${line.repeat(whole)}X-B: ${'b'.repeat(rest - 7)}\r\n`;
  };

  it('is taken, and can be sent in every way after it has grown', async () => {
    await sentInEveryWay(`${headerOf(60 * 1024, `From: ${OWN}`)}\r\nbody`);
    await sentInEveryWay(`${headerOf(60 * 1024, 'Content-Type: text/plain')}\r\nbody`);
    // Who it was from is in it twice then.
    await sentInEveryWay(`From: "${filled(`${'a'.repeat(70)} `)}" <${OWN}>\r\nSubject: x\r\n\r\nbody`);
    const parts = `--x\r\n${headerOf(60 * 1024, 'Content-Type: image/png')}\r\na\xe4\r\n--x--\r\n`;
    await sentInEveryWay(`${HEAD}Content-Type: multipart/mixed; boundary=x\r\n\r\n${parts}`);
  });

  it('is refused one octet beyond 60 KB, in the message and in its parts', async () => {
    const long = headerOf(60 * 1024 + 1, `From: ${OWN}`);
    assert.match(await refusal(`${long}\r\nbody`), /larger than 60 KB\. Send it with fewer/);
    const parts = `--x\r\n${long}\r\nbody\r\n--x--\r\n`;
    assert.match(await refusal(`${HEAD}Content-Type: multipart/mixed; boundary=x\r\n\r\n${parts}`), /60 KB/);
  });

  it('is refused where it is that long once it is mended', async () => {
    const subject = `Subject: ${'\xe4\xf6 '.repeat(15_000)}`;
    assert.ok(subject.length < 50_000);
    assert.match(await refusal(`From: ${OWN}\r\n${subject}\r\n\r\nbody`), /larger than 60 KB/);
    await sentInEveryWay(`From: ${OWN}\r\n${subject.slice(0, 15_000)}\r\n\r\nbody`);
  });
});
