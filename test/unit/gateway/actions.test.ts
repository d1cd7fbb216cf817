import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { gatewayActions } from '../../../gateway/gateway-status.ts';
import type { MailRoom } from '../../../gateway/mail-room.ts';
import { readGatewaySettings } from '../../../gateway/settings.ts';
import type { Spool } from '../../../gateway/spool/spool.ts';
import type { Actions } from '../../../gateway/status/status.ts';
import type { Submission } from '../../../shared/domain/submission.ts';
import { epochSeconds } from '../../../shared/ports/clock.ts';
import { type ManualClock, manualClock } from '../../fakes/manual-clock.ts';
import { memoryLog } from '../../fakes/memory-log.ts';
import { open, put, scratchFolder, submissionNamed } from './spool-world.ts';

describe('an administrator at the status page', () => {
  let clock: ManualClock;
  let spool: Spool;
  let tried: string[];
  let reports: number;
  let actions: Actions;

  beforeEach(async (t) => {
    clock = manualClock();
    spool = await open(await scratchFolder(t as Parameters<typeof scratchFolder>[0]), clock, memoryLog());
    tried = [];
    reports = 0;
    const mail = {
      spool,
      tryNow: async (mailboxId: string) => void tried.push(mailboxId),
      report: async () => void reports++,
    };
    const settings = readGatewaySettings({}, { host: '127.0.0.1' });
    actions = gatewayActions({ settings: () => settings, mail: mail as unknown as MailRoom, clock });
  });

  const now = () => epochSeconds(clock);
  const accept = (id: string, status?: Submission['status']) =>
    put(spool, submissionNamed(id, clock, status ? { status } : {}));
  const stateOf = (id: string) => spool.entry(id)?.submission.status.state;
  const kindOf = async (result: ReturnType<Actions['resend']>) => {
    const { ok, ...rest } = await result;
    return ok ? 'done' : 'error' in rest ? rest.error.kind : '';
  };

  it('has what failed sent again, and what waits tried now', async () => {
    await accept('sub_1', { state: 'failed', at: now(), reason: 'invalid_recipient' });
    await accept('sub_2', { state: 'deferred', until: now() + 3600, reason: 'mail_server_unavailable' });
    assert.equal(await kindOf(actions.resend('sub_1')), 'done');
    assert.equal(await kindOf(actions.resend('sub_2')), 'done');
    assert.deepEqual([stateOf('sub_1'), stateOf('sub_2')], ['queued', 'queued']);
    assert.deepEqual(tried, ['mbx_1', 'mbx_1']);
    assert.equal(await kindOf(actions.resend('sub_9')), 'not_found');
  });

  it('leaves alone what is being sent', async () => {
    await accept('sub_1', { state: 'sending', until: now() + 600 });
    assert.equal(await kindOf(actions.resend('sub_1')), 'conflict');
    assert.equal(await kindOf(actions.remove('sub_1')), 'conflict');
    assert.equal(stateOf('sub_1'), 'sending');
    assert.ok(spool.contentBytes('sub_1') > 0);
  });

  it('removes a message that waits: it has failed, its content is gone, and the broker is told', async () => {
    await accept('sub_1');
    assert.equal(await kindOf(actions.remove('sub_1')), 'done');
    assert.equal(stateOf('sub_1'), 'failed');
    assert.match(spool.entry('sub_1')?.submission.lastResponse ?? '', /removed at the gateway/);
    assert.equal(await spool.blobs.open('submissions/sub_1.eml'), undefined);
    assert.equal(spool.contentBytes('sub_1'), 0);
    assert.equal(reports, 1);
    assert.equal(await kindOf(actions.remove('sub_9')), 'not_found');
  });

  it('has all of a mailbox tried, also what waits by itself', async () => {
    await accept('sub_1', { state: 'deferred', until: now() + 3600, reason: 'mail_server_unavailable' });
    await accept('sub_2', { state: 'failed', at: now(), reason: 'invalid_recipient' });
    assert.equal(await kindOf(actions.tryNow('mbx_1')), 'done');
    assert.deepEqual([stateOf('sub_1'), stateOf('sub_2')], ['queued', 'failed']);
    assert.deepEqual(tried, ['mbx_1']);
    assert.equal(await kindOf(actions.tryNow('mbx_9')), 'not_found');
  });
});
