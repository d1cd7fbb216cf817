import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type MimeNode, Splitter } from 'mailsplit';
import { mimeMessageFormat } from '../../shared/adapters/mime/mime-message-format.ts';
import type { MessageChanges, MessageFacts } from '../../shared/ports/message-format.ts';

const NOTHING: MessageChanges = { headers: [], without: [] };
const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const latin1 = (message: Uint8Array): string => Buffer.from(message).toString('latin1');

/** The message as a stream, in chunks of these sizes in turn. */
const streamOf = (message: Buffer, sizes: readonly number[] = [65_536]): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0, n = 0; at < message.length; n++) {
        const size = sizes[n % sizes.length] ?? 1;
        yield message.subarray(at, at + size);
        at += size;
      }
    })(),
    { objectMode: false },
  );

const inspect = (message: Buffer, sizes?: readonly number[]) => mimeMessageFormat.inspect(streamOf(message, sizes));

const factsOf = async (message: Buffer): Promise<MessageFacts> => {
  const found = await inspect(message);
  assert.ok(found.ok, found.ok ? '' : found.error);
  return found.value;
};

const prepared = async (message: Buffer, sizes?: readonly number[]) => {
  const { repairs } = await factsOf(message);
  const { content, written } = mimeMessageFormat.prepare(streamOf(message, sizes), repairs, NOTHING);
  const result = await buffer(content);
  assert.equal(written().sizeBytes, result.length);
  assert.equal(
    written().eightBit,
    result.some((byte) => byte > 0x7f),
  );
  return result;
};

const repaired = async (message: string | Buffer): Promise<string> =>
  latin1(await prepared(typeof message === 'string' ? bytes(message) : message));

/** What a reader of another make finds in the parts that are no multiparts. */
const readParts = async (message: Buffer) => {
  const splitter = new Splitter({ ignoreEmbedded: true });
  const parts: { type: string; encoding: string; content: Promise<Buffer> }[] = [];
  let decoder: ReturnType<MimeNode['getDecoder']> | undefined;
  streamOf(message).pipe(splitter);
  for await (const piece of splitter) {
    if (piece.type === 'node') {
      decoder?.end();
      decoder = undefined;
      if (piece.multipart !== false) continue;
      decoder = piece.getDecoder();
      parts.push({
        type: piece.contentType || 'text/plain',
        encoding: piece.encoding || '7bit',
        content: buffer(decoder),
      });
    } else if (piece.type === 'body') decoder?.write(piece.value);
  }
  decoder?.end();
  return Promise.all(parts.map(async ({ content, ...part }) => ({ ...part, content: await content })));
};

const withCrlf = (content: Uint8Array): string => latin1(content).replace(/\r\n|\r|\n/g, '\r\n');

const assertMayBeSent = (message: Buffer): void => {
  const text = latin1(message);
  assert.ok(!/\r(?!\n)|(?<!\r)\n/.test(text), 'every line ends in CRLF');
  assert.ok(!text.includes('\0'), 'no NUL');
  for (const line of text.split('\r\n')) assert.ok(line.length <= 998, `a line of ${line.length} octets`);
};

const LONG = 'long '.repeat(400).trim();

describe('a body that mail may not have', () => {
  it('is left alone where it is only unusual', async () => {
    const message = [
      'From: a@b.example',
      `Subject: ${'x'.repeat(900)}`,
      'Content-Type: multipart/mixed; boundary="=_b 1"',
      '',
      'preamble',
      '--=_b 1  ',
      '',
      '--=_b 1-- not the end',
      'x'.repeat(998),
      '--=_b 1',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: 8BIT (as it is)',
      '',
      'Grüße',
      '--=_b 1--',
      'epilogue',
    ].join('\r\n');
    const facts = await factsOf(bytes(message));
    // The multipart says nothing of the octets that a part of it declares.
    assert.deepEqual([...facts.repairs], [[0, { content: 'label-8bit' }]]);
    const mended = message.replace('b 1"\r\n', 'b 1"\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\n');
    assert.equal(await repaired(message), latin1(bytes(mended)));
  });

  it('of text with a long line is quoted-printable from then on, and reads the same', async () => {
    const text = `Grüße = \t\r\n${LONG} \r\n-- \r\n.\r\n\r\n`;
    const message = bytes(`From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text}`);
    const result = await prepared(message);
    assertMayBeSent(result);
    assert.match(latin1(result), /^Content-Transfer-Encoding: quoted-printable\r$/m);
    assert.ok(
      latin1(result)
        .split('\r\n')
        .every((line) => line.length <= 76 && !/[ \t]$/.test(line)),
    );
    const [part] = await readParts(result);
    assert.equal(part?.content.toString('utf8'), text);
  });

  it('of text mostly beyond ASCII is base64', async () => {
    const text = `${'大'.repeat(500)}\nend\n`;
    const result = await prepared(bytes(`From: a@b.example\nContent-Type: text/plain; charset=utf-8\n\n${text}`));
    assertMayBeSent(result);
    const [part] = await readParts(result);
    assert.deepEqual([part?.encoding, part?.content.toString('utf8')], ['base64', text.replaceAll('\n', '\r\n')]);
  });

  it('of a file sent as it is becomes base64, octet by octet', async () => {
    const file = Buffer.from(Array.from({ length: 4000 }, (_, n) => (n * 7) % 256));
    for (const encoding of ['binary', '8bit', '7bit']) {
      const result = await prepared(
        Buffer.concat([
          bytes('From: a@b.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n'),
          bytes(`Content-Type: application/pdf\r\nContent-Transfer-Encoding: ${encoding}\r\n\r\n`),
          file,
          bytes('\r\n--x--\r\n'),
        ]),
      );
      assertMayBeSent(result);
      const [part] = await readParts(result);
      assert.equal(part?.encoding, 'base64');
      assert.deepEqual(part?.content, file);
    }
  });

  it('of a binary part keeps line ends that are none', async () => {
    const head = 'From: a@b.example\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\n';
    const [part] = await readParts(await prepared(bytes(`${head}a\nb\rc\r\nd`)));
    assert.equal(part?.content.toString(), 'a\nb\rc\r\nd');
  });

  it('of base64 in one line is put into lines', async () => {
    const file = Buffer.alloc(100_000, 'scan');
    const head = 'From: a@b.example\r\nContent-Type: application/pdf\r\nContent-Transfer-Encoding: BASE64\r\n\r\n';
    const result = await prepared(bytes(`${head}${file.toString('base64')}`));
    assertMayBeSent(result);
    assert.ok(latin1(result).startsWith(head), 'the header is as it was');
    assert.deepEqual((await readParts(result))[0]?.content, file);
  });

  it('of a message within, encoded against the rules, is no message to look into', async () => {
    const inner = `Subject: Grüße\r\n\r\n${LONG}`;
    const head = 'From: a@b.example\r\nContent-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n';
    const result = await repaired(`${head}${bytes(inner).toString('base64')}`);
    assertMayBeSent(Buffer.from(result));
    assert.ok(result.startsWith(head));
    assert.equal(Buffer.from(result.slice(head.length), 'base64').toString(), inner);
  });

  it('of quoted-printable in one line gets soft line breaks', async () => {
    const head =
      'From: a@b.example\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n';
    const result = await prepared(Buffer.concat([bytes(`${head}${'=C3=BC '.repeat(500)}`), Buffer.from([0xff, 0x3d])]));
    assertMayBeSent(result);
    assert.ok(latin1(result).endsWith('=FF='));
    assert.ok(
      latin1(result)
        .split('=\r\n')
        .slice(0, -1)
        .every((line) => !/=.?$/.test(line)),
    );
    assert.ok((await readParts(result))[0]?.content.toString('utf8').startsWith('ü ü ü '));
  });

  it('with a label that does not say so is labelled, and so is what holds it', async () => {
    const message = [
      'From: a@b.example',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=x',
      'Content-Transfer-Encoding: 7bit',
      '',
      '--x',
      'Content-Type: message/rfc822',
      '',
      'Subject: inner',
      'Content-Type: multipart/alternative; boundary=y',
      '',
      '--y',
      '',
      'Grüße',
      '--y--',
      '--x',
      '',
      'plain',
      '--x--',
    ].join('\r\n');
    const result = await repaired(message);
    assert.equal(result.match(/Content-Transfer-Encoding: 8bit\r\n/g)?.length, 4);
    assert.ok(!result.includes('7bit'));
    assert.equal(result.match(/MIME-Version/g)?.length, 2, 'the message within is a message');
  });

  it('without any type is told in which character set it is', async () => {
    const said = async (body: Buffer) => {
      const text = await repaired(Buffer.concat([bytes('From: a@b.example\r\n\r\n'), body]));
      assert.match(text, /^MIME-Version: 1\.0\r$/m);
      return /charset=(\S+)/.exec(text)?.[1];
    };
    assert.equal(await said(bytes('Grüße')), 'utf-8');
    assert.equal(await said(Buffer.from('Grüße', 'latin1')), 'windows-1252');
    assert.equal(await said(bytes(`Grüße ${LONG}`)), 'utf-8');
  });

  it('of a multipart is never encoded as a whole', async () => {
    for (const type of ['multipart/mixed', 'multipart/mixed; boundary=""', 'message/delivery-status']) {
      const result = await repaired(`From: a@b.example\r\nContent-Type: ${type}\r\n\r\n${LONG}\r\n--x\0y\r\n`);
      assertMayBeSent(Buffer.from(result, 'latin1'));
      assert.doesNotMatch(result, /Content-Transfer-Encoding/);
      assert.ok(result.endsWith('\r\n--xy\r\n'));
    }
  });

  it('under a signature is left alone but for its line ends', async () => {
    const message = [
      'From: a@b.example',
      'MIME-Version: 1.0',
      'Content-Type: multipart/signed; boundary=s',
      '',
      '--s',
      'Content-Type: multipart/mixed; boundary=m',
      `X-Long: ${'x'.repeat(2000)}`,
      'X-Eight: Grüße',
      '',
      '--m',
      '',
      `Grüße ${LONG}`,
      '--m--',
      '--s',
      'Content-Type: application/pkcs7-signature',
      '',
      `${LONG}`,
      '--s--',
    ];
    assert.equal(await repaired(message.join('\n')), latin1(bytes(message.join('\r\n'))));
    assert.equal(
      latin1(await buffer(mimeMessageFormat.toSevenBit(streamOf(bytes(message.join('\r\n')))))),
      latin1(bytes(message.join('\r\n'))),
    );
  });

  it('never makes what looks like a delimiter', async () => {
    // At every place where a line may be cut, the line goes on with what would be one.
    for (let before = 0; before < 80; before++) {
      const text = `${'x'.repeat(before)}${'--b'.repeat(666)}`;
      const part = `--b\r\nContent-Type: text/plain\r\n\r\n${text}\r\n`;
      const message = `From: a@b.example\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${text}\r\n${part}--b--\r\n`;
      const result = await prepared(bytes(message));
      assertMayBeSent(result);
      assert.equal(latin1(result).match(/^--b(--)?\r$/gm)?.length, 2);
      assert.equal((await readParts(result))[0]?.content.toString(), text);
    }
  });
});

describe('a header that mail may not have', () => {
  const header = async (field: string | Buffer): Promise<string> => {
    const result = await repaired(
      Buffer.concat([bytes('X: y\r\nFrom: a@b.example\r\n'), Buffer.from(field), bytes('\r\n\r\n')]),
    );
    return result.slice('X: y\r\nFrom: a@b.example\r\n'.length, -4);
  };

  it('has octets beyond ASCII encoded, as UTF-8 or else as Latin-1', async () => {
    const subject = `=?utf-8?B?${bytes('Grüße €').toString('base64')}?=`;
    assert.equal(await header('Subject: Scan Grüße € end'), `Subject: Scan ${subject} end`);
    assert.equal(await header(Buffer.from('Subject: Gr\xfc\xdfe \x80', 'latin1')), `Subject: ${subject}`);
  });

  it('keeps the blanks beside words that were encoded already', async () => {
    const between = await header('Subject: =?utf-8?q?a?= ü =?utf-8?q?b?=');
    const decoded = [...between.matchAll(/\?Q\?(.*?)\?=/gi)].map(([, word]) => word);
    assert.deepEqual(decoded, ['a', '_=C3=BC_', 'b']);
  });

  it('has display names encoded and addresses left alone', async () => {
    const jörg = '=?utf-8?Q?J=C3=B6rg?=';
    for (const [given, wanted] of [
      ['To: Jörg <j@b.example>', `To: ${jörg} <j@b.example>`],
      ['To: "Jörg"<j@b.example>,x@b.example', `To: ${jörg} <j@b.example>, x@b.example`],
      ['To: "Jörg @ HQ, left" <j@b.example>', `To: ${jörg} "@ HQ, left" <j@b.example>`],
      ['To: j@b.example (Jörg)', `To: j@b.example (${jörg})`],
      ['To: Team: Jörg <j@b.example>;', `To: Team: ${jörg} <j@b.example>;`],
      ['To: <jörg@b.example>', latin1(bytes('To: <jörg@b.example>'))],
      ['Cc: jörg@b.example', latin1(bytes('Cc: jörg@b.example'))],
    ] as const) {
      assert.equal(await header(given), wanted);
    }
  });

  it('has file names encoded as parameters are (RFC 2231)', async () => {
    const given = 'Content-Disposition: attachment; filename="Büro Scan.pdf"; size=3';
    assert.equal(
      await header(given),
      'Content-Disposition: attachment; filename*=utf-8\'\'B%C3%BCro%20Scan.pdf;\r\n size="3"',
    );
    const long = await header(`Content-Type: application/pdf; name=${'ü'.repeat(700)}`);
    const sections = [...long.matchAll(/name\*(\d+)\*=(?:utf-8'')?([^;\r]+)/g)];
    assert.deepEqual(
      sections.map(([, n]) => Number(n)),
      sections.map((_, n) => n),
    );
    assert.equal(decodeURIComponent(sections.map(([, , section]) => section).join('')), 'ü'.repeat(700));
  });

  it('has long lines folded at blanks, after commas, or as encoded words', async () => {
    const folded = await header(`References: ${'<1234567890@printer>'.repeat(100)}`);
    assert.equal(folded.replaceAll('\r\n', '').replaceAll(' ', ''), `References:${'<1234567890@printer>'.repeat(100)}`);
    const list = Array.from({ length: 90 }, (_, n) => `user${n}@contoso.example`);
    assert.deepEqual((await factsOf(bytes(`X: y\r\n${await header(`To: ${list.join(',')}`)}\r\n\r\n`))).to, list);
    const text = await header(`Subject: ${LONG}`);
    assert.equal(text.replaceAll('\r\n', ''), `Subject: ${LONG}`);
    const word = await header(`Subject: ${'x'.repeat(3000)}`);
    assert.equal([...word.matchAll(/\?Q\?(x+)\?=/g)].map(([, part]) => part).join('').length, 3000);
    const words = await header(`Subject: =?utf-8?B?${bytes('Grüße '.repeat(300)).toString('base64')}?=`);
    assert.ok(words.split('\r\n ').length > 20);
    for (const field of [folded, text, word, words]) {
      assert.ok(field.split('\r\n').every((line) => line.length <= 90 && line.trim() !== ''));
    }
  });

  it('is refused, with the field, where nothing helps', async () => {
    const refused = await inspect(bytes(`From: a@b.example\r\nMessage-ID: <${'x'.repeat(1000)}@b>\r\n\r\n`));
    assert.ok(!refused.ok && /field "message-id" has a line of over 998/.test(refused.error));
  });
});

/** Content of the kind that is known to go wrong, and of every other kind. */
const content = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((octets) => Buffer.from(octets)),
  fc
    .array(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        'a',
        ' ',
        '\t',
        '=',
        '--',
        '--x',
        '--x--',
        '.',
        '\0',
        '\xff',
        'ü',
        '=3D',
        'QUJD',
        'x'.repeat(400),
      ),
      { maxLength: 30 },
    )
    .map((parts) => Buffer.from(parts.join(''), 'latin1')),
);
const crlf = Buffer.from('\r\n');
const leaf = fc.record({
  type: fc.constantFrom(
    'text/plain',
    'text/html; charset=utf-8',
    'application/pdf',
    'application/pdf; name="Bü.pdf"',
    undefined,
  ),
  encoding: fc.constantFrom('7bit', '8bit', 'binary', undefined, 'base64', 'quoted-printable'),
  content,
});
type Leaf = typeof leaf extends fc.Arbitrary<infer L> ? L : never;

const writtenLeaf = ({ type, encoding, content: body }: Leaf): Buffer =>
  Buffer.concat([
    bytes(type === undefined ? '' : `Content-Type: ${type}\r\n`),
    bytes(encoding === undefined ? '' : `Content-Transfer-Encoding: ${encoding}\r\n`),
    crlf,
    body,
  ]);

/** An empty content is read with a line end by that other reader. */
const notEmpty = leaf.map((one): Leaf => ({ ...one, content: Buffer.concat([bytes('a'), one.content]) }));

const whole = notEmpty.filter(({ content: body }) => !/(^|[\r\n])--x/.test(latin1(body)));

const HEAD = bytes('From: "Büro" <a@b.example>\r\nMIME-Version: 1.0\r\nTo: c@d.example\r\n');

/** A message of these leaves, or of the only one. */
const writtenMessage = (leaves: readonly Leaf[]): Buffer => {
  const [only, ...others] = leaves.map(writtenLeaf);
  if (only !== undefined && others.length === 0) return Buffer.concat([HEAD, only]);
  const parts = leaves.flatMap((one) => [bytes('--x\r\n'), writtenLeaf(one), crlf]);
  return Buffer.concat([
    HEAD,
    bytes('Content-Type: multipart/mixed; boundary=x\r\n\r\n'),
    ...parts,
    bytes('--x--\r\n'),
  ]);
};

const sizes = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 5 });

describe('mimeMessageFormat.prepare, whatever it is given', () => {
  it('makes what may be sent, and finds nothing to do a second time', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(leaf, { minLength: 1, maxLength: 4 }), async (leaves) => {
        const message = writtenMessage(leaves);
        const found = await inspect(message);
        // A content that looks like a delimiter may go on with a header of anything.
        if (!found.ok) return assert.match(found.error, /^The header field "" has a line/);
        const once = await prepared(message);
        assertMayBeSent(once);
        const { bodyStands, ...others } = await factsOf(once);
        const { bodyStands: stood, ...before } = found.value;
        assert.deepEqual(others, { ...before, repairs: new Map() });
        assert.ok(bodyStands || !stood);
        assert.equal(latin1(await prepared(once)), latin1(once));
      }),
      { numRuns: 1500 },
    );
  });

  it('makes the very same of a body that stands as when it goes through all of it', async () => {
    let stood = 0;
    const changes = { headers: [['Date', 'now']] as const, without: ['to', 'bcc'] };
    const made = (message: Buffer, bodyStands: boolean): Promise<Buffer> =>
      buffer(mimeMessageFormat.prepare(Readable.from([message]), new Map(), { ...changes, bodyStands }).content);
    await fc.assert(
      fc.asyncProperty(fc.array(leaf, { minLength: 1, maxLength: 4 }), async (leaves) => {
        const message = writtenMessage(leaves);
        const found = await inspect(message);
        if (!found.ok) return;
        for (const one of [message, await prepared(message)]) {
          const { bodyStands } = await factsOf(one);
          if (!bodyStands) continue;
          stood++;
          assert.equal(latin1(await made(one, true)), latin1(await made(one, false)));
        }
      }),
      { numRuns: 1500 },
    );
    assert.ok(stood > 500, `only ${stood} bodies stood`);
  });

  it('does the same however the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(leaf, { minLength: 1, maxLength: 3 }), sizes, async (leaves, cuts) => {
        const message = writtenMessage(leaves);
        const found = await inspect(message);
        assert.deepEqual(await inspect(message, cuts), found);
        if (!found.ok) return;
        assert.equal(latin1(await prepared(message, cuts)), latin1(await prepared(message)));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps what every part says, as another reader finds it', async () => {
    const free = whole.filter(({ encoding }) => encoding !== 'base64' && encoding !== 'quoted-printable');
    await fc.assert(
      fc.asyncProperty(fc.array(free, { minLength: 2, maxLength: 4 }), async (leaves) => {
        const found = await readParts(await prepared(writtenMessage(leaves)));
        assert.equal(found.length, leaves.length);
        for (const [n, { content: body }] of leaves.entries()) {
          const actual = latin1(found[n]?.content ?? Buffer.alloc(0));
          if (actual !== latin1(body)) assert.equal(actual, withCrlf(body));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('copes with anything behind a header that a message has', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(content, { maxLength: 6 }), async (pieces) => {
        const head =
          'From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: message/rfc822\n';
        const message = Buffer.concat([bytes(head), ...pieces]);
        const found = await inspect(message);
        if (!found.ok) return;
        const once = await prepared(message);
        assertMayBeSent(once);
        assert.equal(latin1(await prepared(once)), latin1(once));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('mimeMessageFormat.toSevenBit', () => {
  const seven = (message: Buffer): Promise<Buffer> => buffer(mimeMessageFormat.toSevenBit(streamOf(message)));

  it('leaves no octet beyond ASCII, and what every part says', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(whole, { minLength: 1, maxLength: 4 }), async (leaves) => {
        const message = await prepared(writtenMessage(leaves));
        const result = await seven(message);
        assertMayBeSent(result);
        assert.ok(!result.some((byte) => byte > 0x7f));
        assert.ok(!/^content-transfer-encoding: (8bit|binary)/im.test(latin1(result).split('\r\n\r\n', 1)[0] ?? ''));
        const [before, after] = [await readParts(message), await readParts(result)];
        assert.deepEqual(
          after.map(({ type, content: one }) => [type, latin1(one)]),
          before.map(({ type, content: one }) => [type, latin1(one)]),
        );
      }),
      { numRuns: 500 },
    );
  });

  it('leaves a message alone that has none', async () => {
    const message = bytes('From: a@b.example\r\n\r\nHello\r\n');
    assert.deepEqual(await seven(message), message);
  });
});

describe('streams of mimeMessageFormat', () => {
  const head = 'From: a@b.example\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n';
  const MEGABYTES = 35;

  /** A message of 35 MB, made while it is read; and how much of it was made beyond what has been taken. */
  const hugeMessage = (megabyte: Buffer, type: string) => {
    let made = 0;
    const chunks = function* () {
      yield bytes(`${head}${type}\r\n\r\n`);
      for (let n = 0; n < MEGABYTES * 16; n++) {
        made += 65_536;
        yield megabyte.subarray((n % 16) * 65_536, ((n % 16) + 1) * 65_536);
      }
      yield bytes('\r\n--x--\r\n');
    };
    return { stream: Readable.from(chunks(), { objectMode: false, highWaterMark: 65_536 }), made: () => made };
  };

  const MIB = 1024 * 1024;
  for (const [name, megabyte, type] of [
    ['lines of base64', Buffer.alloc(MIB, `${'QUJD'.repeat(19)}\r\n`), 'Content-Transfer-Encoding: base64'],
    ['one line of base64', Buffer.alloc(MIB, 'QUJD'), 'Content-Transfer-Encoding: base64'],
    ['a file as it is', Buffer.alloc(MIB, '\0\xff\r\n', 'latin1'), 'Content-Type: application/pdf'],
    ['one line of text', Buffer.alloc(MIB, 'word '), 'Content-Type: text/plain'],
  ] as const) {
    it(`hold little of a message of 35 MB: ${name}`, async () => {
      const found = await mimeMessageFormat.inspect(hugeMessage(megabyte, type).stream);
      assert.ok(found.ok);
      const { stream, made } = hugeMessage(megabyte, type);
      const { content: result, written } = mimeMessageFormat.prepare(stream, found.value.repairs, NOTHING);
      let taken = 0;
      let furthest = 0;
      for await (const chunk of result) {
        taken += chunk.length;
        // What is encoded grows, so what was made is at most what was taken and what is held.
        furthest = Math.max(furthest, made() - taken);
      }
      assert.ok(furthest < 1_000_000, `${furthest} octets were held`);
      assert.equal(written().sizeBytes, taken);
      assert.ok(taken > MEGABYTES * MIB);
    });
  }

  it('end what they are made of, also where nobody reads them, and fail with it', async () => {
    const makers = [
      (source: Readable) => mimeMessageFormat.prepare(source, new Map(), NOTHING).content,
      (source: Readable) => mimeMessageFormat.toSevenBit(source),
      (source: Readable) => mimeMessageFormat.sendAs(source, 'a@b.example'),
    ];
    for (const make of makers) {
      const unread = streamOf(bytes(head));
      make(unread).destroy();
      await new Promise((resolve) => unread.once('close', resolve));
      const failing = make(Readable.from(failingChunks(), { objectMode: false }));
      await assert.rejects(buffer(failing), /line is cut/);
    }
    await assert.rejects(mimeMessageFormat.inspect(Readable.from(failingChunks())), /line is cut/);
  });

  const failingChunks = async function* () {
    yield bytes(`${head}\r\nbody`);
    throw new Error('the line is cut');
  };
});
