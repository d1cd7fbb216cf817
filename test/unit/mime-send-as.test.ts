import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { mimeMessageFormat } from '../../shared/adapters/mime/mime-message-format.ts';

const OWN = 'scan@contoso.example';

const sendAs = (message: Buffer, chunk = 65_536) =>
  mimeMessageFormat.sendAs(
    Readable.from(
      (function* () {
        for (let at = 0; at < message.length; at += chunk) yield message.subarray(at, at + chunk);
      })(),
      { objectMode: false },
    ),
    OWN,
  );

const text = async (message: string, chunk?: number): Promise<string> =>
  (await buffer(sendAs(Buffer.from(message), chunk))).toString();

const header = async (...lines: string[]): Promise<string[]> => {
  const whole = await text([...lines, '', 'body', ''].join('\r\n'));
  assert.ok(whole.endsWith('\r\n\r\nbody\r\n'));
  return whole.slice(0, -'\r\n\r\nbody\r\n'.length).split('\r\n');
};

describe('mimeMessageFormat.sendAs', () => {
  it('sends from the address, and answers go to whom it was from', async () => {
    assert.deepEqual(await header('Subject: x', 'From: ceo@contoso.example', 'To: a@b.example'), [
      `From: ${OWN}`,
      'Reply-To: ceo@contoso.example',
      'Subject: x',
      'To: a@b.example',
    ]);
  });

  it('keeps the display name', async () => {
    for (const [from, name] of [
      ['Anna Smith <ceo@b.example>', 'Anna Smith '],
      ['"Smith, Anna" <ceo@b.example>', '"Smith, Anna" '],
      ['=?utf-8?q?J=C3=B6rg?=\r\n <ceo@b.example>, x@y.example', '=?utf-8?q?J=C3=B6rg?= '],
      ['(boss) ceo@b.example', ''],
      ['<ceo@b.example>', ''],
    ]) {
      const [first = '', ...others] = await header(`From: ${from}`);
      assert.equal(first, name === '' ? `From: ${OWN}` : `From: ${name}<${OWN}>`);
      assert.equal(others.join('\r\n'), `Reply-To: ${from}`);
    }
    const [first, second] = await header('From: Jörg <ceo@b.example>');
    assert.deepEqual(
      [first, second],
      [`From: =?utf-8?Q?J=C3=B6rg?= <${OWN}>`, 'Reply-To: =?utf-8?Q?J=C3=B6rg?= <ceo@b.example>'],
    );
  });

  it('keeps no display name that might pass for an address', async () => {
    for (const name of ['"ceo@contoso.example"', '=?utf-8?q?ceo=40contoso.example?=', '=?utf-7?q?ceo+AEA-x?=']) {
      assert.equal((await header(`From: ${name} <ceo@b.example>`))[0], `From: ${OWN}`);
    }
  });

  it('leaves a Reply-To that says something', async () => {
    assert.deepEqual(await header('From: ceo@b.example', 'reply-to: x@y.example'), [
      `From: ${OWN}`,
      'reply-to: x@y.example',
    ]);
    assert.ok((await header('From: ceo@b.example', 'Reply-To: ')).includes('Reply-To: ceo@b.example'));
  });

  it('leaves no other field that names a sender', async () => {
    const fields = [
      'From: ceo@b.example',
      'from: b@b.example',
      'Sender: c@b.example',
      'Resent-From: d@b.example',
      'Resent-Date: x',
    ];
    assert.deepEqual(await header(...fields), [`From: ${OWN}`, 'Reply-To: ceo@b.example']);
    assert.deepEqual(await header('Sender: c@b.example', 'To: a@b.example'), [`From: ${OWN}`, 'To: a@b.example']);
  });

  it('changes nothing the second time', async () => {
    const once = await text('From: Anna <ceo@b.example>\r\nTo: a@b.example\r\n\r\nbody');
    assert.equal(await text(once), once);
  });

  it('passes on the body as it is, and tells by how much the header grew, whatever comes in which chunks', async () => {
    const body = fc.array(fc.constantFrom('\r\n', '\n', '\r', 'From: a', 'x'.repeat(300), '\0'), { maxLength: 10 });
    const field = fc.constantFrom(
      'From: ceo@b.example',
      'From: "A" <a@b.example>',
      'Sender: x@y.example',
      'Subject: y',
      'Reply-To: z@z.example',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(field, { minLength: 1, maxLength: 5 }),
        body,
        fc.integer({ min: 1, max: 90 }),
        async (fields, pieces, chunk) => {
          const message = `${fields.join('\r\n')}\r\n\r\n${pieces.join('')}`;
          const stream = sendAs(Buffer.from(message), chunk);
          const growth = await stream.growthBytes;
          const result = (await buffer(stream)).toString();
          if (!/\r(?!\n)|(?<!\r)\n/.test(message)) assert.equal(result.length, message.length + growth);
          const unmended = (whole: string) => whole.slice(whole.indexOf('\r\n\r\n')).replace(/\r\n|\r|\n/g, '\n');
          assert.equal(unmended(result), unmended(message));
        },
      ),
    );
  });

  it('tells no growth of what cannot be read, which the reader is told', async () => {
    const broken = mimeMessageFormat.sendAs(
      Readable.from(
        (async function* () {
          yield Buffer.from('From: a@b');
          throw new Error('the line is cut');
        })(),
      ),
      OWN,
    );
    assert.equal(await broken.growthBytes, 0);
    await assert.rejects(buffer(broken), /line is cut/);
  });
});
