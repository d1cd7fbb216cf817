import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { BUCKET, type Cloud, startCloud } from './cloud.ts';
import { furnishOffice, type Json, type Office } from './office.ts';

/** Two parts of a multipart upload; the emulator takes no more than 11 MiB in one. */
const LINES = 130_000;

describe('the built bundles, with a message that is uploaded,', () => {
  let cloud: Cloud;
  let office: Office;
  before(async () => {
    cloud = await startCloud();
    office = await furnishOffice(cloud);
    cloud.mailSource.start();
  });
  after(() => cloud.close());

  const post = async (path: string, body: unknown): Promise<{ readonly status: number; readonly body: Json }> => {
    const headers = { authorization: office.basic, 'content-type': 'application/json' };
    const reply = await fetch(`${cloud.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
    return { status: reply.status, body: (await reply.json()) as Json };
  };
  const keysInBucket = async (): Promise<readonly (string | undefined)[]> =>
    ((await cloud.s3.send(new ListObjectsV2Command({ Bucket: BUCKET }))).Contents ?? []).map(({ Key }) => Key);

  const content = (): Buffer =>
    Buffer.from(
      `From: ${office.address}\r\nTo: archive@example.org\r\nSubject: Large\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(LINES)}`,
    );

  it('take it by way of the bucket, once, and deliver it', async () => {
    const message = content();
    const digest = createHash('sha256').update(message);
    const announced = { size_bytes: message.length, sha256: digest.copy().digest('hex') };
    const { status, body: upload } = await post('/v1/uploads', announced);
    assert.equal(status, 201, JSON.stringify(upload));
    const headers = { 'x-amz-checksum-sha256': digest.digest('base64') };
    assert.deepEqual(upload.headers, headers);
    assert.equal((await post('/v1/messages', { upload_id: upload.upload_id })).status, 409);
    const put = await fetch(String(upload.url), { method: 'PUT', headers, body: new Uint8Array(message) });
    assert.equal(put.status, 200, await put.text());
    assert.deepEqual(await keysInBucket(), [`uploads/${upload.upload_id}`]);

    const accepted = await post('/v1/messages', { upload_id: upload.upload_id });
    assert.equal(accepted.status, 202, JSON.stringify(accepted.body));
    const repeated = await post('/v1/messages', { upload_id: upload.upload_id });
    assert.equal(repeated.body.submission_id, accepted.body.submission_id);
    for (let waits = 0; (await office.submission(accepted.body.submission_id)).state !== 'sent'; waits++) {
      assert.ok(waits < 300, `not sent: ${JSON.stringify(await office.submission(accepted.body.submission_id))}`);
      await sleep(100);
    }
    const [arrived] = ((await (await fetch(new URL('messages.json', cloud.inbox))).json()) as { messages: Json[] })
      .messages;
    const raw = await (await fetch(new URL(`messages/${arrived?.id}/raw`, cloud.inbox))).text();
    assert.ok(raw.endsWith(message.toString()), `${raw.length} of ${message.length} octets`);
    assert.deepEqual(await keysInBucket(), []);
  });

  it('sign what they announced into the link, and where it leads', async () => {
    const link = async (announced: Json) => new URL(String((await post('/v1/uploads', announced)).body.url));
    const plain = await link({ size_bytes: 1000 });
    assert.equal(plain.searchParams.get('X-Amz-SignedHeaders'), 'content-length;host');
    assert.equal(plain.searchParams.get('X-Amz-Expires'), '3600');
    assert.match(plain.pathname, /\/uploads\/upl_[a-z0-9]+$/);
    // The checksum of nothing, which the client signs unless it is told not to, would fit no upload.
    assert.ok([...plain.searchParams.keys()].every((name) => !/checksum/i.test(name)));
    const checked = await link({ size_bytes: 1000, sha256: '0'.repeat(64) });
    assert.equal(checked.searchParams.get('X-Amz-SignedHeaders'), 'content-length;host;x-amz-checksum-sha256');
  });

  it('do nothing that their roles do not allow', () => {
    assert.deepEqual(cloud.denied(), []);
  });
});
