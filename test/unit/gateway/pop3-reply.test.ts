import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { belongsEarlier, isRepeatable, readCommand, shapeOf } from '../../../gateway/pop3/commands.ts';
import { replyEnd } from '../../../gateway/pop3/reply.ts';

const command = (line: string) => {
  const read = readCommand(Buffer.from(line));
  assert.ok(read, line);
  return read;
};

describe('a command of POP3', () => {
  it('is read in any letter case, with any end, and goes on with CRLF', () => {
    const stat = { verb: 'RETR', argument: '1', line: 'retr 1\r\n' };
    for (const end of ['\r\n', '\n']) assert.deepEqual(command(`retr 1${end}`), stat);
    assert.deepEqual(command('TOP  1 20 \r\n'), { verb: 'TOP', argument: '1 20', line: 'TOP  1 20 \r\n' });
  });

  it('is none where a server could read something else in it', () => {
    for (const line of [
      '\r\n',
      ' STAT\r\n',
      'NOOP\rDELE 1\r\n',
      'DELE 1\0\r\n',
      'RETR 1\t\r\n',
      'RETR \u00e9\r\n',
      '\r\r\n',
    ])
      assert.equal(readCommand(Buffer.from(line)), undefined, JSON.stringify(line));
  });

  it('tells how its reply looks (RFC 1939)', () => {
    const shapes = Object.fromEntries(
      [
        'STAT',
        'LIST',
        'LIST 1',
        'list ',
        'UIDL',
        'UIDL 1',
        'RETR 1',
        'TOP 1 0',
        'DELE 1',
        'NOOP',
        'RSET',
        'CAPA',
        'QUIT',
        'XTND',
        'TOSTRING',
        'CONSTRUCTOR',
      ].map((line) => [line, shapeOf(command(line))]),
    );
    assert.deepEqual(shapes, {
      STAT: 'line',
      LIST: 'lines',
      'LIST 1': 'line',
      'list ': 'lines',
      UIDL: 'lines',
      'UIDL 1': 'line',
      'RETR 1': 'lines',
      'TOP 1 0': 'lines',
      'DELE 1': 'line',
      NOOP: 'line',
      RSET: 'line',
      CAPA: 'lines',
      QUIT: 'line',
      XTND: 'unknown',
      TOSTRING: 'unknown',
      CONSTRUCTOR: 'unknown',
    });
  });

  it('is asked again unless it ends the session or nobody knows it', () => {
    const lines = [
      'STAT',
      'LIST',
      'UIDL',
      'RETR 1',
      'TOP 1 1',
      'DELE 1',
      'RSET',
      'NOOP',
      'CAPA',
      'LAST',
      'QUIT',
      'XTND',
    ];
    assert.deepEqual(
      lines.filter((line) => !isRepeatable(command(line))),
      ['QUIT', 'XTND'],
    );
  });

  it('never takes a password to the provider', () => {
    const lines = ['USER x', 'pass x', 'AUTH PLAIN eA==', 'APOP x y', 'STLS', 'STAT', 'QUIT'];
    assert.deepEqual(
      lines.filter((line) => !belongsEarlier(command(line))),
      ['STAT', 'QUIT'],
    );
  });
});

describe('the end of a reply of several lines', () => {
  const pieces = (text: Buffer, cuts: readonly number[]): readonly Buffer[] => {
    const at = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].toSorted((a, b) => a - b);
    return [0, ...at]
      .map((from, index) => text.subarray(from, at[index] ?? text.length))
      .filter(({ length }) => length > 0);
  };

  it('is found wherever the network has cut', () => {
    const line = fc.constantFrom('', '.', '..', '.x', 'x.', 'x', '\r', '\n', '.\r', '\n.', '.\n');
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat()), fc.constantFrom('', 'x', '+OK\r\n.\r\n'), (lines, cuts, more) => {
        const stuffed = lines.map((one) => `${one.replace(/^\./, '..')}\r\n`).join('');
        const whole = `${stuffed}.\r\n`;
        const sent = Buffer.from(whole + more);
        const endIn = replyEnd();
        let passed = 0;
        for (const piece of pieces(sent, cuts)) {
          const end = endIn(piece);
          passed += end === -1 ? piece.length : end;
          if (end !== -1) break;
        }
        // A content with bare ends of lines may hold what looks like the end; the first is it.
        const first = `\r\n${whole}`.indexOf('\r\n.\r\n') + 3;
        assert.equal(passed, first);
      }),
      { numRuns: 2_000 },
    );
  });
});
