import assert from 'node:assert/strict';
import { after, afterEach, before, describe, it } from 'node:test';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { DUE_SHARDS } from '../../../shared/domain/timing.ts';
import { ADMIN_KEY, BUCKET, type Cloud, startCloud } from './cloud.ts';
import { furnishOffice, type Json, type Office } from './office.ts';
import { SCHEDULE_EVENT } from './schedule-event.ts';

const DAY = 86_400;

describe('the built admin, of what was handed to the relay', () => {
  let cloud: Cloud;
  let office: Office;
  before(async () => {
    cloud = await startCloud({ movesClock: true });
    office = await furnishOffice(cloud);
  });
  afterEach(() => assert.deepEqual(cloud.denied(), []));
  after(() => cloud.close());

  const failed = async (): Promise<string> => {
    const { submission_id: id } = await office.handIn('Scan');
    cloud.standIns.mail.setFault('RCPT', { kind: 'reply', code: 550, text: '5.1.1 Unknown' }, 1);
    await cloud.mailSource.drain();
    assert.equal((await office.submission(id)).state, 'failed');
    return String(id);
  };
  const remove = async (id: unknown): Promise<number> => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}` };
    return (await fetch(`${cloud.url}/v1/admin/submissions/${id}`, { method: 'DELETE', headers })).status;
  };
  const isStored = async (id: string): Promise<boolean> => {
    const { Contents = [] } = await cloud.s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    return Contents.some(({ Key }) => Key === `submissions/${id}.eml`);
  };
  const arrivals = async (): Promise<number> => {
    const listed = (await (await fetch(new URL('messages.json', cloud.inbox))).json()) as { messages: Json[] };
    return listed.messages.length;
  };

  it('looks into a failed message and sends it again', async () => {
    const id = await failed();
    assert.ok(await isStored(id));
    assert.equal((await office.admin('GET', `/submissions?state=failed&mailbox_id=${office.mailboxId}`)).cursor, null);
    assert.deepEqual((await office.admin('GET', `/submissions/${id}`)).resend, { possible: true });
    const before = await arrivals();
    assert.equal((await office.admin('POST', `/submissions/${id}/resend`)).state, 'queued');
    await cloud.mailSource.drain();
    assert.equal((await office.submission(id)).state, 'sent');
    assert.deepEqual([await arrivals(), await isStored(id)], [before + 1, false]);
  });

  it('removes a message that waits, and it is not sent', async () => {
    const { submission_id: id } = await office.handIn('Scan');
    const before = await arrivals();
    assert.equal(await remove(id), 204);
    await cloud.mailSource.drain();
    assert.deepEqual([await arrivals(), await isStored(String(id)), await remove(id)], [before, false, 404]);
  });

  it('has a failed message forgotten by the built sweep when its time is over', async () => {
    const id = await failed();
    const sweepAll = async (days: number): Promise<void> => {
      for (let minutes = 0; minutes < DUE_SHARDS; minutes++) {
        await cloud.moveClock(days * DAY + minutes * 60);
        assert.equal((await cloud.functionOf('refresh-grants/sweep').invoke(SCHEDULE_EVENT)).outcome, 'returned');
      }
    };
    await sweepAll(29);
    assert.ok(await isStored(id));
    await sweepAll(31);
    assert.deepEqual([await isStored(id), await remove(id)], [false, 404]);
  });
});
