import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import parseAddresses from 'nodemailer/lib/addressparser';
import { parseMailboxes } from '../../shared/adapters/mime/mailboxes.ts';
import { mimeMessageFormat } from '../../shared/adapters/mime/mime-message-format.ts';
import type { MessageChanges, MessageFacts } from '../../shared/ports/message-format.ts';

const inspect = (message: Uint8Array) => mimeMessageFormat.inspect(Readable.from([Buffer.from(message)]));

/** As it is prepared when there is nothing to repair. */
const prepare = (message: Uint8Array, changes: MessageChanges): Promise<Buffer> =>
  buffer(mimeMessageFormat.prepare(Readable.from([Buffer.from(message)]), new Map(), changes).content);

const NOTHING = { headers: [], without: [] };

const bytes = (text: string): Buffer => Buffer.from(text, 'utf8');
const text = (message: Uint8Array): string => Buffer.from(message).toString('utf8');
const latin1 = (message: Uint8Array): string => Buffer.from(message).toString('latin1');

const facts = async (message: string): Promise<MessageFacts> => {
  const result = await inspect(bytes(message));
  assert.ok(result.ok, result.ok ? '' : result.error);
  return result.value;
};

const refusal = async (message: Uint8Array): Promise<string> => {
  const result = await inspect(message);
  assert.ok(!result.ok, 'expected no message');
  return result.error;
};

const NAMES = ['From', 'To', 'Cc', 'Bcc', 'Subject', 'Date', 'Message-ID', 'X-Scanner', 'x-scanner', 'Received'];
const LETTERS = [...'abcXYZ 0123456789.:;,<>@"()=?-', '\t'];

const value = fc.array(fc.string({ unit: fc.constantFrom(...LETTERS), maxLength: 30 }), { minLength: 1, maxLength: 3 });
const field = fc.record({ name: fc.constantFrom(...NAMES), lines: value });
type Field = typeof field extends fc.Arbitrary<infer F> ? F : never;

const written = ({ name, lines }: Field, end = '\r\n'): Buffer => bytes(`${name}: ${lines.join(`${end} `)}${end}`);
const body = fc.uint8Array({ maxLength: 200 });
/** Line ends over-represented. */
const anything = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', 'a', ':', ' ', 'From:', '\0', '.', '\xff'), { maxLength: 40 })
  .map((parts) => Buffer.from(parts.join(''), 'latin1'));

const mended = (content: Uint8Array): Buffer => Buffer.from(latin1(content).replace(/\r\n|\r|\n/g, '\r\n'), 'latin1');

describe('mimeMessageFormat.inspect', () => {
  it('finds addresses, bare, through names, folds and groups', async () => {
    const found = await facts(
      'From: "Scan, Room 4" <scan@contoso.example>\r\nTo: Team: ann@a.example, Bob <bob@b.example>;\r\n' +
        'to:\r\n carl@c.example\r\nCc: =?utf-8?q?J=C3=BCrgen?= <j@d.example>\r\nBcc: x@e.example, y@e.example\r\n\r\nhi',
    );
    assert.deepEqual(found, {
      senders: ['scan@contoso.example'],
      hasFrom: true,
      to: ['ann@a.example', 'bob@b.example', 'carl@c.example'],
      cc: ['j@d.example'],
      bcc: ['x@e.example', 'y@e.example'],
      messageId: undefined,
      hasDate: false,
      repairs: new Map(),
      bodyStands: true,
    });
  });

  it('finds Message-ID with its brackets, and Date', async () => {
    const found = await facts('Message-ID:\r\n <1@printer>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n\r\n');
    assert.equal(found.messageId, '<1@printer>');
    assert.ok(found.hasDate);
    assert.ok(!(await facts('Date:\r\nMessage-ID: \r\n\r\n')).hasDate);
  });

  it('takes a header without blank line and body', async () => {
    assert.ok(!(await facts('Subject: empty')).hasFrom);
    assert.deepEqual((await facts('From: a@b.example\r\n')).senders, ['a@b.example']);
  });

  it('finds every address that the message claims to be from', async () => {
    const claimed = 'From: a@b.example, c@d.example\r\nSender: e@f.example\r\nFrom: g@h.example\r\n\r\n';
    assert.deepEqual((await facts(claimed)).senders, ['a@b.example', 'c@d.example', 'g@h.example', 'e@f.example']);
  });

  it('takes line ends of every kind', async () => {
    for (const end of ['\r\n', '\n', '\r']) {
      assert.deepEqual(
        (await facts(['From: a@b.example', 'To: c@d.example', '', 'To: not@this.example'].join(end))).to,
        ['c@d.example'],
      );
    }
  });

  it('refuses what is not a message', async () => {
    assert.match(await refusal(bytes('')), /empty/);
    assert.match(await refusal(bytes('\r\nbody only')), /no header fields/);
    assert.match(await refusal(bytes('%PDF-1.7\r\n1 0 obj\r\n')), /Line 1 /);
    assert.match(await refusal(bytes(' folded: first\r\n\r\n')), /Line 1 /);
    assert.match(await refusal(bytes('Subject: x\r\nno field here\r\n\r\n')), /Line 2 /);
    assert.match(await refusal(bytes('From a@b.example Sat Nov 21 10:00:00 2026\r\nSubject: x\r\n\r\n')), /Line 1 /);
    assert.match(await refusal(bytes('Subject : x\r\n\r\n')), /Line 1 /);
    assert.match(await refusal(bytes('{"to":"a@b.example"}')), /no field that mail has/);
    assert.match(await refusal(bytes('Subject: a\0b\r\n\r\n')), /NUL/);
    assert.match(await refusal(bytes(`Subject: ${'x'.repeat(60 * 1024)}\r\n\r\n`)), /60 KB/);
  });

  it('takes a header of just 60 KB, and NUL in the body', async () => {
    assert.ok(
      (await inspect(bytes(`Subject: ${'x'.repeat(829)}\r\n${`X: ${'x'.repeat(95)}\r\n`.repeat(606)}\r\nbody`))).ok,
    );
    assert.ok((await inspect(bytes('Subject: x\r\n\r\na\0b'))).ok);
  });

  it('sees what will be sent, not what came', async () => {
    let messages = 0;
    await fc.assert(
      fc.asyncProperty(anything, async (content) => {
        const message = Buffer.concat([bytes('Subject: x\n'), content]);
        const found = await inspect(message);
        if (!found.ok) return;
        messages++;
        const after = await inspect(await prepare(message, NOTHING));
        assert.ok(after.ok);
        // Its lines end as they should by then.
        assert.deepEqual({ ...after.value, bodyStands: false }, { ...found.value, bodyStands: false });
      }),
      { numRuns: 1000 },
    );
    assert.ok(messages > 100, `only ${messages} were messages`);
  });
});

const OWN = 'scanner@contoso.example';
const OTHER = 'ceo@contoso.example';
const word = (content: string, charset = 'utf-8'): string =>
  `=?${charset}?B?${Buffer.from(content, 'utf8').toString('base64')}?=`;

/** Made of what readers are known to differ on. */
const crooked = fc
  .array(
    fc.constantFrom(
      ...[
        OWN,
        OWN,
        OTHER,
        `<${OWN}>`,
        `<${OTHER}>`,
        'ceo',
        'Scanner',
        '"Scanner, 2nd floor"',
        `"${OTHER}"`,
        `(${OTHER})`,
      ],
      ...[
        ' ',
        ' ',
        ' ',
        '\t',
        ',',
        ', ',
        ':',
        ';',
        '<',
        '>',
        '(',
        ')',
        '"',
        '\\',
        '@',
        '.',
        '[',
        '=?utf-8?q?ceo=40x?=',
      ],
      ...[word(OTHER), word('@'), word('ceo'), '=?utf-7?q?+AEA-?=', '=?utf-8?q?=4', '?=', '(hall)', 'é', '\u2028'],
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join(''));

describe('the senders that mimeMessageFormat.inspect finds', () => {
  const senders = async (header: string): Promise<readonly string[]> =>
    (await facts(`${header}\r\nTo: a@b.example\r\n\r\n`)).senders;
  const refused = (header: string): Promise<string> => refusal(bytes(`${header}\r\nTo: a@b.example\r\n\r\n`));

  it('are read from what devices write', async () => {
    for (const from of [
      OWN,
      `<${OWN}>`,
      `< ${OWN} >`,
      `Scanner <${OWN}>`,
      `Scanner<${OWN}>`,
      `"Scanner, 2nd floor" <${OWN}>`,
      `"Scanner \\"new\\" @ HQ" <${OWN}>`,
      `St. Mary's 2.OG <${OWN}>`,
      `Büro <${OWN}>`,
      `コピー\u3000機 <${OWN}>`,
      `Scanner ${word('Étage 2, à droite')} <${OWN}>`,
      `"${word('Étage 2')}" <${OWN}>`,
      `=?iso-8859-1*fr?Q?=C9tage_2?= =?us-ascii?q?=2C left?= <${OWN}>`,
      `=?iso-2022-jp?B?GyRCJTklLSVjJUobKEI=?= <${OWN}>`,
      `(hall) Scanner (second \\) floor) <${OWN}> (left)`,
      `${OWN} (Scanner, hall)`,
      `"Scanner,\r\n\t2nd floor"\r\n <${OWN}>`,
      `\r\n ${OWN}`,
    ]) {
      assert.deepEqual(await senders(`From: ${from}`), [OWN], from);
      assert.deepEqual(await senders(`Sender: ${from}`), [OWN], from);
    }
  });

  it('are none where From names nobody, so that one can be supplied', async () => {
    for (const from of ['', ' ', 'Scanner', '<>', '"Scanner" <>', '\r\n ']) {
      const found = await facts(`From:${from}\r\nTo: a@b.example\r\n\r\n`);
      assert.deepEqual([found.senders, found.hasFrom], [[], false], from);
    }
  });

  it('include the fields of resending', async () => {
    assert.deepEqual(await senders(`From: ${OWN}\r\nResent-From: ${OTHER}, b@c.example`), [OWN, OTHER, 'b@c.example']);
    assert.deepEqual(await senders(`From: ${OWN}\r\nresent-sender: <${OTHER}>`), [OWN, OTHER]);
  });

  it('include what looks like an address in names and comments, encoded or not', async () => {
    for (const [from, claimed] of [
      [`"${OTHER}" <${OWN}>`, OTHER],
      [`"ceo\\@contoso.example" <${OWN}>`, OTHER],
      [`"for ${OTHER}, (hall)" <${OWN}>`, OTHER],
      [`${OWN} (${OTHER})`, OTHER],
      [`(x <${OTHER}>,) ${OWN}`, OTHER],
      [`${word(OTHER)} <${OWN}>`, OTHER],
      [`"${word(OTHER)}" <${OWN}>`, OTHER],
      [`(${word(OTHER)}) <${OWN}>`, OTHER],
      [`=?utf-8?q?ceo=40contoso.example?= <${OWN}>`, OTHER],
      [`=?utf-8?q?ceo?= =?utf-8?q?=40contoso.example?= <${OWN}>`, OTHER],
      [`=?utf-8?q?ceo?=\r\n =?utf-8?b?${btoa('@contoso.example')}?= <${OWN}>`, OTHER],
      [`=?utf-8?q?ceo_=40_contoso.example?= <${OWN}>`, '@'],
    ] as const) {
      assert.deepEqual(await senders(`From: ${from}`), [OWN, claimed], from);
    }
    assert.deepEqual(new Set(await senders(`From: "${OWN}" <${OWN}>`)), new Set([OWN]));
  });

  it('are refused where readers could differ, and the field is named', async () => {
    for (const [from, why] of [
      [`${OTHER} <${OWN}>`, /text after an address/],
      [`<${OWN}> <${OTHER}>`, /text after an address/],
      [`${OWN} ${OTHER}`, /text after an address/],
      [`<${OWN}> Scanner`, /text after an address/],
      [`Scanner ${OWN}`, /double quotes/],
      [`${OTHER}:${OWN};`, /":" is out of place at character 20\. Groups/],
      [`Staff: ${OWN};`, /":" is out of place/],
      [`ceo, ${OWN}`, /address is missing/],
      [`${OWN},`, /address is missing/],
      [`"${OTHER}"`, /address is missing/],
      [word(OTHER), /address is missing/],
      [`"ceo"@contoso.example <${OWN}>`, /"@" is out of place/],
      [`ceo(x)@contoso.example`, /"@" is out of place/],
      [`ceo@contoso(x).example`, /text after an address/],
      [`<@relay.example:${OWN}>`, /is not an address/],
      [`<<${OWN}>`, /"<" is out of place/],
      [`Scanner [2F] <${OWN}>`, /"\[" is out of place/],
      [`a(b(c)) <${OWN}>`, /"\(" is out of place/],
      [`"Scanner <${OWN}>`, /"\\"" is out of place/],
      [`Scan\u2028ner <${OWN}>`, /control character/],
      [`=?utf-7?q?ceo+AEA-x?= <${OWN}>`, /decoded/],
      [`=?utf-16le?b?QA==?= =?utf-16le?b?AA==?= <${OWN}>`, /decoded/],
      [`=?utf-8?b?Q?= =?utf-8?b?A==?= <${OWN}>`, /decoded/],
      [`=?utf-8?q?ceo=40contoso.example <${OWN}>`, /decoded/],
      [`=?utf-8?q?=4?= =?utf-8?q?0?= <${OWN}>`, /decoded/],
    ] as const) {
      assert.match(await refused(`From: ${from}`), /^It is not certain whom the From field means: /, from);
      assert.match(await refused(`From: ${from}`), why, from);
    }
    for (const name of ['Sender', 'Resent-From', 'Resent-Sender']) {
      for (const value of ['', 'ceo', '=?utf-8?q?ceo=40contoso.example?=', `${OTHER} <${OWN}>`]) {
        assert.match(await refused(`From: ${OWN}\r\n${name}: ${value}`), new RegExp(`whom the ${name} field`), value);
      }
    }
    assert.match(await refused(`Sender: ${OWN}, ${OWN}`), /Sender field has more than one address/);
    assert.match(await refused(`From: ceo\r\nFrom: ${OWN}`), /address is missing/);
  });

  it('are those that a lenient reader finds too, whatever is written', () => {
    let accepted = 0;
    fc.assert(
      fc.property(crooked, (value) => {
        const strict = parseMailboxes(value);
        if (!strict.ok) return;
        accepted++;
        const { addresses, claimed } = strict.value;
        const lenient = parseAddresses(value, { flatten: true }).map(({ address }) => address);
        assert.ok(addresses.every((address) => lenient.includes(address)));
        const known = new Set([...addresses, ...claimed]);
        assert.deepEqual(
          lenient.filter((address) => address.includes('@') && !known.has(address)),
          [],
        );
        // The most lenient of all: everything with an at sign, and more than that, between what no address has bare (RFC 5322, specials).
        for (const found of value.match(/[^\s()<>[\]:;\\,"]*@[^\s()<>[\]:;\\,"]*/gu) ?? []) {
          assert.ok(found === '@' || known.has(found), found);
        }
      }),
      { numRuns: 5000 },
    );
    assert.ok(accepted > 100, `only ${accepted} were accepted`);
  });
});

describe('mimeMessageFormat.prepare', () => {
  it('returns the very same bytes when there is nothing to change', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(field, { minLength: 1 }), body, async (fields, content) => {
        const message = Buffer.concat([...fields.map((f) => written(f)), bytes('\r\n'), mended(content)]);
        assert.deepEqual(await prepare(message, NOTHING), message);
        assert.deepEqual(await prepare(message, { headers: [], without: ['Absent'] }), message);
      }),
    );
  });

  it('leaves no lone CR or LF, and changes nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(anything, async (content) => {
        const message = Buffer.concat([bytes('Subject: x\r\n\r\n'), content]);
        assert.equal(latin1(await prepare(message, NOTHING)), latin1(mended(message)));
      }),
      { numRuns: 1000 },
    );
  });

  it('puts fields in front, takes named ones out, and keeps every other byte', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(field, { maxLength: 6 }),
        fc.subarray(NAMES),
        fc.array(
          fc.tuple(fc.constantFrom('Message-ID', 'Date', 'X-A'), fc.string({ unit: fc.constantFrom(...LETTERS) })),
          {
            maxLength: 3,
          },
        ),
        body,
        fc.constantFrom('\r\n', '\n', '\r'),
        async (fields, without, headers, content, end) => {
          const message = Buffer.concat([...fields.map((f) => written(f, end)), bytes(end), content]);
          const gone = without.map((name) => name.toLowerCase());
          const expected = Buffer.concat([
            ...headers.map(([name, text]) => bytes(`${name}: ${text}\r\n`)),
            ...fields.filter(({ name }) => !gone.includes(name.toLowerCase())).map((f) => written(f)),
            bytes('\r\n'),
            mended(content),
          ]);
          // A body that starts with LF after a lone CR would be one line end with it.
          fc.pre(!(end === '\r' && content[0] === 0x0a));
          assert.equal(latin1(await prepare(message, { headers, without })), latin1(expected));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('keeps folds and odd spacing of the fields it does not touch', async () => {
    const message = bytes(
      'Subject:  two\r\n\t lines \r\nBcc: a@b.example,\r\n c@d.example\r\nX:y\r\n\r\nBcc: body\r\n',
    );
    assert.equal(
      text(await prepare(message, { headers: [['Message-ID', '<1@x>']], without: ['bcc'] })),
      'Message-ID: <1@x>\r\nSubject:  two\r\n\t lines \r\nX:y\r\n\r\nBcc: body\r\n',
    );
  });

  it('ends the header where the message had no body', async () => {
    assert.equal(
      text(await prepare(bytes('Subject: x'), { headers: [['Date', 'now']], without: [] })),
      'Date: now\r\nSubject: x\r\n\r\n',
    );
  });

  it('refuses to write what would be more than one field', async () => {
    for (const field of [
      ['X', 'a\r\nBcc: b'],
      ['X', 'a\nb'],
      ['X\r\nY', 'a'],
      ['X Y', 'a'],
      ['', 'a'],
      ['X:', 'a'],
    ] as const) {
      assert.throws(() => prepare(bytes('Subject: x\r\n\r\n'), { headers: [field], without: [] }), TypeError);
    }
  });
});
