import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { powertoolsLog } from '../../shared/adapters/powertools/powertools-log.ts';
import { streamLog } from '../../shared/adapters/system/stream-log.ts';
import type { Log } from '../../shared/ports/log.ts';
import { manualClock } from '../fakes/manual-clock.ts';

/** What a logger wrote, line by line. */
type Written = (act: (log: Log) => void) => readonly string[];

const linesOf = (chunks: readonly string[]): readonly string[] => chunks.join('').split('\n').filter(Boolean);

const throughStream: Written = (act) => {
  const chunks: string[] = [];
  const stream = new Writable({
    write: (chunk, _, done) => {
      chunks.push(String(chunk));
      done();
    },
  });
  act(streamLog(stream, manualClock()));
  return linesOf(chunks);
};

/** It writes to the process's own streams, at once. */
const throughPowertools: Written = (act) => {
  const log = powertoolsLog('a-test');
  const chunks: string[] = [];
  const streams = [process.stdout, process.stderr].map((stream) => ({ stream, write: stream.write }));
  for (const { stream } of streams) stream.write = (chunk: unknown) => chunks.push(String(chunk)) > 0;
  try {
    act(log);
  } finally {
    for (const { stream, write } of streams) stream.write = write;
  }
  return linesOf(chunks);
};

const LOGGERS: readonly (readonly [name: string, written: Written])[] = [
  ['streamLog', throughStream],
  ['powertoolsLog', throughPowertools],
];

for (const [name, written] of LOGGERS) {
  describe(`${name} as Log`, () => {
    for (const level of ['info', 'warn', 'error'] as const) {
      it(`writes ${level} as one line with event and fields, and no secret by name or by shape`, () => {
        const lines = written((log) =>
          log[level]('grant.refreshed', {
            mailbox_id: 'mbx_1',
            client_secret: 'made-up-by-name',
            note: 'refused: Bearer made-up-by-shape',
          }),
        );
        assert.equal(lines.length, 1);
        const [line = ''] = lines;
        assert.doesNotMatch(line, /made-up/);
        assert.match(line, /"grant\.refreshed"/);
        const { mailbox_id, client_secret, note, level: written_level } = JSON.parse(line);
        assert.deepEqual(
          { mailbox_id, client_secret, note, level: String(written_level).toLowerCase() },
          { mailbox_id: 'mbx_1', client_secret: '[redacted]', note: 'refused: Bearer [redacted]', level },
        );
      });
    }
  });
}
