import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { describe, it } from 'node:test';
import { correlated } from '../../shared/adapters/correlation/correlation.ts';
import { powertoolsLog } from '../../shared/adapters/powertools/powertools-log.ts';
import { streamLog } from '../../shared/adapters/system/stream-log.ts';
import type { Log } from '../../shared/ports/log.ts';
import { manualClock } from '../fakes/manual-clock.ts';
import { linesWritten } from '../fakes/standard-output.ts';

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
const throughPowertools: Written = (act) => linesWritten(() => act(powertoolsLog('a-test', 'my-broker')));

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

    it('says in each line what it belongs to, and nothing of it outside', async () => {
      const lines = written((log) => {
        log.info('before');
        correlated({ api_request_id: 'api-1', function_request_id: undefined }, () => {
          correlated({ request_id: 'req_1' }, () => log.info('inside', { slot: 'scan' }));
          log.info('between');
        });
        log.info('after');
      });
      const said = lines.map((line) => {
        const { event, message = event, request_id, api_request_id, ...rest } = JSON.parse(line);
        assert.ok(!('function_request_id' in rest));
        return [message, request_id, api_request_id, rest.slot];
      });
      assert.deepEqual(said, [
        ['before', undefined, undefined, undefined],
        ['inside', 'req_1', 'api-1', 'scan'],
        ['between', undefined, 'api-1', undefined],
        ['after', undefined, undefined, undefined],
      ]);
    });
  });
}

describe('streamLog', () => {
  it('counts nothing: on one machine nobody reads it', () => {
    const [line = ''] = throughStream((log) => log.info('token.issued', { client_id: 'c1' }));
    assert.deepEqual(Object.keys(JSON.parse(line)), ['time', 'level', 'event', 'client_id']);
  });
});
