import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { enrolGateway } from '../../../shared/adapters/gateway-http/enrol-gateway.ts';
import { httpGatewayLink } from '../../../shared/adapters/gateway-http/http-gateway-link.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import type { Submission } from '../../../shared/domain/submission.ts';
import { epochSeconds } from '../../../shared/ports/clock.ts';
import type { GatewayLink, GatewayReport, PassedMessage } from '../../../shared/ports/gateway-link.ts';
import { failure, value } from '../../unit/support.ts';
import { BUCKET, type Cloud, startCloud } from './cloud.ts';
import { furnishOffice, type Json, type Office } from './office.ts';

/** Two parts of a multipart upload; the emulator takes no more than 11 MiB in one. */
const LINES = 100_000;

describe('the built bundles, for a gateway,', () => {
  let cloud: Cloud;
  let office: Office;
  let link: GatewayLink;
  let gatewayId: string;
  let organizationId: string;
  before(async () => {
    cloud = await startCloud();
    office = await furnishOffice(cloud);
    organizationId = String((await office.admin('GET', `/devices/${office.clientId}`)).organization_id);
    const made = await office.admin('POST', `/organizations/${organizationId}/enrolment-tokens`, { uses: 1 });
    const enrolmentToken = String(made.enrolment_token);
    const credential = value(await enrolGateway({ brokerUrl: cloud.url, enrolmentToken, name: 'Gateway' }));
    gatewayId = credential.clientId;
    link = httpGatewayLink({ brokerUrl: cloud.url, credential, clock });
    cloud.mailSource.start();
  });
  after(async () => {
    await cloud?.close();
  });

  const secret = (): string =>
    Buffer.from(office.basic.slice('Basic '.length), 'base64').toString().split(':')[1] ?? '';
  const admit = (clientSecret = secret()) =>
    link.admit({ clientId: office.clientId, clientSecret, slot: 'scan', address: '10.0.0.7' });
  const passed = (id: string, lines: number): PassedMessage => {
    const message = Buffer.from(
      `From: ${office.address}\r\nTo: archive@example.org\r\nSubject: ${id}\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(lines)}`,
    );
    const open = async () => Readable.from([message]);
    const { clientId, mailboxId } = office;
    return { id, clientId, slot: 'scan', mailboxId, to: ['archive@example.org'], sizeBytes: message.length, open };
  };
  const reported = (changes: Partial<Submission>): Submission => ({
    id: 'sub_0mx3xkao0ahhdk8whv7zj',
    organizationId,
    clientId: office.clientId,
    slot: 'scan',
    mailboxId: office.mailboxId,
    account: office.address,
    messageId: '<a@b>',
    envelope: { from: office.address, to: ['archive@example.org'] },
    delivered: [],
    rejected: [],
    sizeBytes: 10,
    acceptedAt: epochSeconds(clock),
    attempts: 0,
    status: { state: 'queued' },
    ...changes,
  });
  const report = (submission: Submission, changes: Partial<GatewayReport> = {}) =>
    link.report({
      submissions: [{ submission, stop: undefined }],
      outboxes: [],
      waiting: [office.mailboxId],
      state: { version: '1.2.3', startedAt: 1, way: 'direct', queued: 1, oldestSeconds: 2 },
      ...changes,
    });

  it('admit devices, refuse wrong ones, and give tokens that the provider issued, also anew', async () => {
    assert.equal(failure(await admit('wrong')).kind, 'invalid_client');
    assert.equal(value(await admit()).mailbox.address, office.address);
    const wish = { mailboxId: office.mailboxId, audience: 'smtp', minTtlSeconds: 600 } as const;
    const { accessToken, server } = value(await link.token(wish));
    assert.ok(server && accessToken);
    await office.letAccessTokenExpire();
    const anew = value(await link.token(wish));
    assert.notEqual(anew.accessToken, accessToken);
    assert.ok(!cloud.logs().includes(anew.accessToken));
  });

  it('keep the pace of a mailbox', async () => {
    const step = { mailboxId: office.mailboxId, owner: 'run-1' } as const;
    assert.deepEqual(value(await link.pace({ ...step, wants: 'permit' })), { granted: true });
    const ended = { wasSent: true, secondsAgo: 0 };
    assert.deepEqual(value(await link.pace({ ...step, wants: 'release', ended })), { granted: true });
  });

  it('take messages small and large into the relay, once each, and deliver them', async () => {
    for (const [id, lines] of [
      ['sub_small', 10],
      ['sub_large', LINES],
    ] as const) {
      const { submissionId } = value(await link.pass(passed(id, lines)));
      assert.equal(value(await link.pass(passed(id, lines))).submissionId, submissionId);
      for (let waits = 0; (await office.submission(submissionId)).state !== 'sent'; waits++) {
        assert.ok(waits < 300, `not sent: ${JSON.stringify(await office.submission(submissionId))}`);
        await sleep(100);
      }
    }
    const { Contents = [] } = await cloud.s3.send(new ListObjectsV2Command({ Bucket: BUCKET }));
    assert.deepEqual(
      Contents.map(({ Key }) => Key),
      [],
    );
  });

  it('take its reports, show them, and tell people', async () => {
    const { signedInAt } = value(await report(reported({})));
    assert.ok((signedInAt[office.mailboxId] ?? 0) > epochSeconds(clock) - 600);
    const stop = { cause: 'hold', since: 1, until: 2, reason: 'conditional_access', response: '535 Blocked' } as const;
    value(await report(reported({}), { outboxes: [{ mailboxId: office.mailboxId, outbox: { stop } }] }));
    value(await report(reported({}), { outboxes: [{ mailboxId: office.mailboxId, outbox: {} }] }));
    const at = epochSeconds(clock);
    const failed = reported({ attempts: 1, status: { state: 'failed', at, reason: 'mail_server_refused_message' } });
    value(await report(failed));
    const shown = await office.admin('GET', `/submissions/${failed.id}`);
    assert.deepEqual(
      [shown.state, shown.gateway_id, shown.resend],
      ['failed', gatewayId, { possible: false, reason: 'at_gateway' }],
    );
    const { notices } = (await office.admin('GET', `/organizations/${organizationId}/notices`)) as { notices: Json[] };
    assert.match(JSON.stringify(notices), /submission\.failed/);
  });

  it('list it', async () => {
    const { gateways } = (await office.admin('GET', `/organizations/${organizationId}/gateways`)) as {
      gateways: Json[];
    };
    assert.deepEqual(
      gateways.map(({ gateway_id, name, queued }) => [gateway_id, name, queued]),
      [[gatewayId, 'Gateway', 1]],
    );
  });

  it('ask for no right that the functions do not have', () => {
    assert.deepEqual(cloud.denied(), []);
  });
});
