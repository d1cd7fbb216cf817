import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { messageBill, totalsOf } from '../bench/relay/bill.ts';
import { measureMessageCosts } from '../bench/relay/costs.ts';
import { COSTS_PAGE, costsPage } from '../bench/relay/costs-page.ts';
import { eachInLanes } from '../bench/relay/lanes.ts';
import { mostInAnyMinute } from '../bench/relay/rates.ts';

describe('docs/mail-costs.md', () => {
  it('says what the code takes today', async () => {
    const hint = 'run node test/bench/relay/costs-page.ts --write';
    assert.equal(readFileSync(COSTS_PAGE, 'utf8'), await costsPage(), hint);
  });
});

describe('the costs of mail', () => {
  it('count the requests of a small message and of an uploaded one', async () => {
    const [small, large] = await measureMessageCosts([
      { sizeBytes: 10_000, byUpload: false },
      { sizeBytes: 9_000_000, byUpload: true },
    ]);
    assert.ok(small && large);
    assert.deepEqual(small.begun, { metered: [], s3: [], queued: 0 });
    assert.deepEqual(small.accepted.s3, ['PutObject']);
    assert.deepEqual(small.sent.s3, ['GetObject', 'DeleteObject']);
    assert.deepEqual(large.begun.s3, ['PutObject']);
    const pieces = ['CreateMultipartUpload', 'UploadPart', 'UploadPart', 'CompleteMultipartUpload'];
    assert.deepEqual(large.accepted.s3, ['GetObject', 'GetObject', ...pieces, 'DeleteObject']);
    assert.ok(large.sentBytes > 8_990_000 && large.sentBytes <= 9_000_000, String(large.sentBytes));
    const totals = totalsOf(large);
    assert.deepEqual([totals.httpRequests, totals.sqsRequests, totals.s3Puts, totals.s3Gets], [2, 3, 5, 3]);
    assert.ok(totals.writeUnits > totalsOf(small).writeUnits);
  });

  it('come to the price of what is counted', async () => {
    const [small] = await measureMessageCosts([{ sizeBytes: 10_000, byUpload: false }]);
    assert.ok(small);
    const bill = new Map(messageBill(1_000_000, small).map(({ what, dollars }) => [what, dollars]));
    assert.equal(bill.get('API Gateway (HTTP API)')?.toFixed(2), '1.00');
    assert.equal(bill.get('SQS (FIFO)')?.toFixed(2), '1.50');
    assert.equal(bill.get('S3: requests')?.toFixed(2), '5.40');
    const { readUnits, writeUnits } = totalsOf(small);
    assert.equal(
      bill.get('DynamoDB: writes and reads')?.toFixed(3),
      (writeUnits * 0.625 + readUnits * 0.125).toFixed(3),
    );
  });
});

describe('the most in any minute', () => {
  it('is found wherever the minute begins', () => {
    assert.equal(mostInAnyMinute([]), 0);
    assert.equal(mostInAnyMinute([0, 60_000]), 1);
    assert.equal(mostInAnyMinute([0, 59_999]), 2);
    assert.equal(mostInAnyMinute([0, 30_000, 59_000, 61_000, 89_000, 200_000]), 4);
    assert.equal(mostInAnyMinute([89_000, 0, 61_000, 59_000, 30_000]), 4);
  });
});

describe('lanes', () => {
  it('do the work for each once, and never more at once than there are lanes', async () => {
    const done: number[] = [];
    let [now, most] = [0, 0];
    await eachInLanes([1, 2, 3, 4, 5], 2, async (one) => {
      most = Math.max(most, ++now);
      await new Promise(setImmediate);
      done.push(one);
      now--;
    });
    assert.deepEqual([done, most], [[1, 2, 3, 4, 5], 2]);
  });
});
