import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { FUNCTIONS } from '../../../scripts/build.ts';
import { EVENT_METRICS } from '../../../shared/config/metrics.ts';
import { extractMetrics } from '../../fakes/embedded-metrics.ts';
import { type Cloud, startCloud } from './cloud.ts';
import { loggedBy } from './log-lines.ts';
import { furnishOffice } from './office.ts';

describe('what the built bundles write to their standard output', () => {
  let cloud: Cloud;
  before(async () => {
    cloud = await startCloud();
    const office = await furnishOffice(cloud);
    assert.equal((await office.fetchToken()).status, 200);
    await office.handIn('is counted');
    await cloud.mailSource.drain();
    await office.letKeepAliveFallDue();
    await cloud.functionOf('refresh-grants/sweep').invoke({});
    await cloud.grantSource.drain();
    // The provider fails for once, and then the device is told to wait.
    cloud.standIns.identity.microsoft?.setFault('token', { kind: 'reply', status: 503 });
    await office.letAccessTokenExpire();
    assert.equal((await office.fetchToken()).status, 503);
  });
  after(() => cloud.close());

  const lines = () => FUNCTIONS.flatMap((name) => loggedBy(cloud, name));

  it('is counted by CloudWatch, and says in the same line what happened', () => {
    const counted = lines().flatMap(({ text }) => extractMetrics(text).map((metric) => ({ ...metric, text })));
    const found = new Set(counted.map(({ name, dimensions }) => `${name} ${dimensions}`));
    for (const expected of [
      'TokensIssued Broker=token-broker',
      'TokensRefused Broker=token-broker,Kind=provider_unavailable',
      'GrantsRefreshed Broker=token-broker,Provider=microsoft',
      'RefreshSeconds Broker=token-broker,Provider=microsoft',
      'RefreshesFailed Broker=token-broker,Provider=microsoft',
      'GrantsDue Broker=token-broker',
      'OldestDueSeconds Broker=token-broker',
      'SubmissionsAccepted Broker=token-broker',
      'SubmissionsSent Broker=token-broker',
      'SubmissionsRelayed Broker=token-broker',
      'SubmissionSeconds Broker=token-broker',
    ]) {
      assert.ok(found.has(expected), `${expected} is not among ${[...found].join('; ')}`);
    }
    // Nothing that grows with the fleet.
    assert.ok(![...found].some((one) => /mbx_|dev_|sub_|req_/.test(one)));
  });

  it('carries metrics in each line of an event that is counted, and in no other', () => {
    assert.ok(lines().length >= 8);
    for (const { event, fields, text } of lines()) {
      assert.equal('_aws' in fields, event in EVENT_METRICS, text);
    }
  });
});
