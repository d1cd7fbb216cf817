import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { withRecipients } from '../../shared/adapters/mime/header-recipients.ts';
import { spoolMessage, type TakenPart } from '../../shared/adapters/mime/take-apart.ts';
import { decoded } from '../../shared/adapters/mime/transfer-decoding.ts';

const inPieces = async function* (bytes: Buffer, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
};

const whole = async (content: AsyncIterable<Buffer>): Promise<Buffer> => {
  const pieces: Buffer[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces);
};

const FILE = Buffer.from(Array.from({ length: 5000 }, (_, at) => at % 251));
const BASE64 = FILE.toString('base64').replace(/.{76}/g, '$&\r\n');
const PDF =
  'Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n' +
  `Content-Disposition: attachment; filename="scan.pdf"\r\n\r\n${BASE64}`;
const TEXT = 'Content-Type: text/plain\r\n\r\nHello.';
const HEAD = 'From: scan@contoso.example\r\nTo: ann@a.example\r\nMIME-Version: 1.0\r\n';
const mixed = (...parts: readonly string[]): string =>
  `${HEAD}Content-Type: multipart/mixed; boundary=edge\r\n\r\n${parts.map((part) => `--edge\r\n${part}\r\n`).join('')}--edge--\r\n`;

const reduced = async (message: string | Buffer, limitBytes: number, pieceBytes = 1000) => {
  const spooled = await spoolMessage(inPieces(Buffer.from(message), pieceBytes));
  const result = await spooled.reduce(limitBytes);
  const files: { readonly part: TakenPart; readonly content: Buffer }[] = [];
  if (result.ok) for (const part of result.value.taken) files.push({ part, content: await whole(part.content()) });
  await spooled.close();
  return result.ok ? { message: String(result.value.message), files } : result;
};

const taken = async (message: string | Buffer, limitBytes: number, pieceBytes?: number) => {
  const result = await reduced(message, limitBytes, pieceBytes);
  assert.ok('message' in result, JSON.stringify(result));
  return result;
};

describe('a message that is taken apart', () => {
  it('stays as it is, byte for byte, where it is short enough, however it comes', async () => {
    const message = `${mixed(TEXT, PDF).replace('\r\n\r\n--edge', '\r\n\r\npreamble\r\n--edge')}epilogue\r\n`;
    for (const pieceBytes of [1, 2, 3, 7, 64, 100_000]) {
      const { message: left, files } = await taken(message, 100_000, pieceBytes);
      assert.equal(left, message);
      assert.deepEqual(files, []);
    }
  });

  it('gives its files away, whole and with their names', async () => {
    const { message, files } = await taken(mixed(TEXT, PDF), 1000);
    assert.equal(message, mixed(TEXT));
    const [file] = files;
    assert.ok(file);
    assert.ok(file.content.equals(FILE));
    const { fileName, mediaType, sizeBytes, isInline } = file.part;
    assert.deepEqual([fileName, mediaType, sizeBytes, isInline], ['scan.pdf', 'application/pdf', 5000, false]);
  });

  it('gives the largest first, and no more than it must', async () => {
    const small = PDF.replace(BASE64, 'AAAA').replace('scan', 'small');
    const { message, files } = await taken(mixed(TEXT, small, PDF, small), 2000);
    assert.deepEqual(
      files.map(({ part }) => part.fileName),
      ['scan.pdf'],
    );
    assert.equal(message, mixed(TEXT, small, small));
  });

  it('keeps one part in a multipart that would be left without any', async () => {
    const { message, files } = await taken(mixed(PDF, PDF), 1000);
    // The line end that belonged to the second delimiter is before the first now, where nobody reads.
    assert.equal(message.replace('\r\n\r\n\r\n', '\r\n\r\n'), mixed('\r\n'));
    assert.equal(files.length, 2);
  });

  it('keeps an empty text where it was nothing but a file', async () => {
    const { message, files } = await taken(`${HEAD}${PDF}\r\n`, 1000);
    assert.equal(
      message,
      `${HEAD}Content-Type: text/plain; charset=us-ascii\r\n\r\n`.replace('MIME-Version', 'MIME-Version'),
    );
    assert.ok(files[0]?.content.equals(FILE));
    assert.equal(files[0]?.part.fileName, 'scan.pdf');
  });

  it('names pictures within the text by the id that the text knows them by', async () => {
    const picture = `Content-Type: image/png\r\nContent-ID: <logo@x>\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n${BASE64}`;
    const { files } = await taken(mixed(TEXT, picture), 1000);
    const [{ part } = {}] = files;
    assert.deepEqual([part?.contentId, part?.isInline, part?.fileName], ['logo@x', true, 'attachment-1.png']);
  });

  for (const [value, name] of [
    [`filename*=utf-8''J%C3%B6rg%20M.pdf`, 'Jörg M.pdf'],
    [`filename*0*=utf-8''J%C3%B6rg; filename*1=".pdf"`, 'Jörg.pdf'],
    [`filename="=?utf-8?q?J=C3=B6rg=2Epdf?="`, 'Jörg.pdf'],
    [`filename="plain.pdf"; filename*=utf-8''better.pdf`, 'better.pdf'],
    [`filename="..\\\\..\\\\evil.pdf"`, 'evil.pdf'],
    [`filename*=iso-8859-1''%E9t%E9.pdf`, 'été.pdf'],
  ] as const) {
    it(`reads the name of a file: ${value}`, async () => {
      const { files } = await taken(mixed(TEXT, PDF.replace('filename="scan.pdf"', value)), 1000);
      assert.equal(files[0]?.part.fileName, name);
    });
  }

  for (const [what, message] of [
    ['its text alone is too long', mixed(`Content-Type: text/plain\r\n\r\n${'long '.repeat(1000)}`)],
    ['it is signed', mixed(TEXT, PDF).replace('multipart/mixed', 'multipart/signed')],
    ['it is encrypted', mixed(TEXT, PDF).replace('multipart/mixed', 'multipart/encrypted')],
    ['it is packed with its signature', `${HEAD}${PDF.replace('application/pdf', 'application/pkcs7-mime')}\r\n`],
    [
      'it is too large within a message',
      mixed(TEXT, `Content-Type: message/rfc822\r\n\r\n${mixed(PDF).replaceAll('edge', 'inner')}`),
    ],
  ] as const) {
    it(`stays whole where ${what}`, async () => {
      const result = await reduced(message, 1000);
      assert.ok('ok' in result && !result.ok);
    });
  }

  it('has the content of a file whatever its encoding and however it comes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 9 }), async (bytes, pieceBytes) => {
        const original = Buffer.from(bytes);
        const base64 = Buffer.from(original.toString('base64').replace(/.{20}/g, '$&\r\n'));
        assert.ok((await whole(decoded(inPieces(base64, pieceBytes), 'base64'))).equals(original));
        const hex = [...original].map((byte) => `=${byte.toString(16).padStart(2, '0').toUpperCase()}`);
        const quoted = Buffer.from(hex.map((text, at) => (at % 5 === 4 ? `${text}=\r\n` : text)).join(''));
        assert.ok((await whole(decoded(inPieces(quoted, pieceBytes), 'quoted-printable'))).equals(original));
      }),
    );
    const soft = Buffer.from('one =\r\ntwo  \r\nthree=3D\t\r\n=zz');
    for (const size of [1, 2, 3, 100]) {
      assert.equal(String(await whole(decoded(inPieces(soft, size), 'quoted-printable'))), 'one two\r\nthree=\r\n=zz');
    }
  });
});

describe('the header for APIs that take the recipients from it', () => {
  const header = (...lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\r\n`).join(''));
  const rewritten = (lines: readonly string[], envelope: readonly string[]) =>
    String(withRecipients(header(...lines), envelope))
      .split('\r\n')
      .slice(0, -1);

  it('stays as it is where it names the envelope', () => {
    const lines = [
      'From: a@x.example',
      'To: "Ann, A." <ann@a.example>,',
      '\t=?utf-8?q?J=C3=B6rg?= <j@a.example>',
      'Cc: C@A.example',
    ];
    assert.deepEqual(rewritten(lines, ['ann@a.example', 'j@a.example', 'c@a.example']), lines);
  });

  it('has those in Bcc whom it does not name, and nobody else', () => {
    const lines = ['To: ann@a.example', 'Bcc: old@a.example', 'Resent-To: r@a.example', 'Resent-Bcc: s@a.example'];
    assert.deepEqual(rewritten(lines, ['ann@a.example', 'bob@a.example']), ['Bcc: bob@a.example', 'To: ann@a.example']);
  });

  it('has nobody to serve whom the envelope does not name', () => {
    const lines = ['To: Ann <ann@a.example>, Bob <bob@a.example>', 'Cc: carl@a.example', 'Subject: x'];
    assert.deepEqual(rewritten(lines, ['bob@a.example']), [
      'X-Also-Addressed-To: ann@a.example, carl@a.example',
      'To: "Bob" <bob@a.example>',
      'Subject: x',
    ]);
  });

  it('does not repeat what is no address', () => {
    assert.deepEqual(rewritten(['To: nobody, <a@b@c.example>, bob@a.example'], ['bob@a.example']), [
      'To: bob@a.example',
    ]);
  });

  it('does not trust a field in which readers might find others', () => {
    for (const value of [
      '"evil@e.example" <bob@a.example>',
      'Team: evil@e.example, bob@a.example;',
      'bob@a.example (evil@e.example)',
    ]) {
      const text = rewritten([`To: ${value}`], ['bob@a.example'])
        .filter((line) => !line.startsWith('X-'))
        .join('\n');
      assert.doesNotMatch(text, /evil/);
      assert.match(text, /^(To|Bcc): bob@a\.example$/m);
    }
  });

  it('counts every field of a name, though there may be one', () => {
    const lines = rewritten(['To: ann@a.example', 'To: bob@a.example'], ['bob@a.example']);
    assert.deepEqual(lines, ['X-Also-Addressed-To: ann@a.example', 'To: bob@a.example']);
  });

  it('folds long lists between addresses', () => {
    const many = Array.from({ length: 100 }, (_, at) => `person-${at}@example.org`);
    const lines = rewritten(['Subject: x'], many);
    assert.ok(lines.every((line) => line.length <= 78));
    assert.equal(lines.slice(0, -1).join('').replace('Bcc: ', '').replaceAll(', ', ',').split(',').length, 100);
  });
});
