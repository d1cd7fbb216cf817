import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { acceptMailApp } from '../../functions/relay-mail/accept/app.ts';
import { gatewayApp } from '../../functions/relay-mail/gateway/app.ts';
import { localUploadDoor, uploadsApp } from '../../local/uploads.ts';
import { httpGatewayLink } from '../../shared/adapters/gateway-http/http-gateway-link.ts';
import type { GatewayLink, PaceAnswer, PaceStep } from '../../shared/ports/gateway-link.ts';
import { makeBeginUpload } from '../../shared/usecases/mail/begin-upload.ts';
import { makeReceiveUpload } from '../../shared/usecases/mail/receive-upload.ts';
import {
  type GatewayOffice,
  gatewayOffice,
  passedMessage,
  presented,
  reportOf,
  sentAt,
  sentByGateway,
  serviceOf,
} from '../unit/gateway-office.ts';
import { advanceSeconds, failure, makeWorld, now, openOffice, signIn, value, type World } from '../unit/support.ts';

interface Connected {
  readonly link: GatewayLink;
  close(): Promise<void>;
}

const inProcess = async (office: GatewayOffice): Promise<Connected> => ({
  link: office.link,
  close: async () => undefined,
});

/** The apps behind a real server, on loopback. */
const overHttp = async ({ process, gatewayCredential }: GatewayOffice): Promise<Connected> => {
  const apps = new Hono();
  const server = createServer(getRequestListener(apps.fetch));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const publicUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const uploads = uploadsApp({ ...process, receiveUpload: makeReceiveUpload(process) });
  const uploadDoor = localUploadDoor({ ...process, publicUrl });
  const accept = acceptMailApp({ ...process, beginUpload: makeBeginUpload({ ...process, uploadDoor }) });
  const gateway = gatewayApp({ ...process, serveGateway: serviceOf(process) });
  apps.all('/v1/uploads/:id', (c) => uploads.fetch(c.req.raw, c.env));
  apps.all('/v1/uploads', (c) => accept.fetch(c.req.raw, c.env));
  apps.all('/v1/gateway/*', (c) => gateway.fetch(c.req.raw, c.env));
  return {
    link: httpGatewayLink({ brokerUrl: publicUrl, credential: gatewayCredential, clock: process.clock }),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};

/** Some five megabytes, in lines. */
const LARGE = `From: scan@contoso.example\r\nTo: ann@contoso.example\r\n\r\n${`${'x'.repeat(76)}\r\n`.repeat(65_000)}`;

for (const [name, connect] of Object.entries({ 'in process': inProcess, 'over HTTP': overHttp })) {
  describe(`the gateway's link ${name}`, () => {
    let world: World;
    let office: GatewayOffice;
    let link: GatewayLink;
    let close: Connected['close'];

    beforeEach(async () => {
      world = makeWorld();
      office = await gatewayOffice(world);
      ({ link, close } = await connect(office));
    });
    afterEach(() => close());

    const admitted = async () => value(await link.admit(presented(office)));
    const tokenWish = (changes: Partial<Parameters<GatewayLink['token']>[0]> = {}) => ({
      mailboxId: office.mailbox.id,
      audience: 'smtp' as const,
      minTtlSeconds: 600,
      ...changes,
    });
    const step = (changes: Partial<PaceStep> = {}): Promise<PaceAnswer> =>
      link.pace({ mailboxId: office.mailbox.id, owner: 'run-1', wants: 'permit', ...changes }).then(value);

    it('admits a device that is who it says, with all that is needed to take its mail', async () => {
      const { process, device, mailbox, organization } = office;
      value(await process.administration.devices.update(device.clientId, { senderPolicy: { name: 'administrator' } }));
      const { createdAt: _createdAt, ...served } = mailbox;
      assert.deepEqual(await admitted(), {
        clientId: device.clientId,
        organizationId: organization.id,
        metadata: { clientName: 'Printer' },
        slot: 'scan',
        senderPolicy: { name: 'administrator' },
        mailbox: served,
      });
    });

    for (const [what, kind, changes] of [
      ['a wrong secret', 'invalid_client', { clientSecret: 'wrong' }],
      ['a name that nobody has', 'invalid_client', { clientId: 'nobody' }],
      ['a slot without a mailbox', 'slot_not_bound', { slot: 'fax' }],
    ] as const) {
      it(`refuses ${what} with ${kind}, which is no word on the gateway itself`, async () => {
        const { detail: _detail, ...error } = failure(await link.admit({ ...presented(office), ...changes }));
        assert.deepEqual(error, { kind });
      });
    }

    it('tells a device that was wrong too often how long to wait', async () => {
      for (let tries = 0; tries < 11; tries++) await link.admit({ ...presented(office), clientSecret: 'wrong' });
      const { kind, retryAfterSeconds } = failure(await link.admit(presented(office)));
      assert.equal(kind, 'too_many_attempts');
      assert.ok(retryAfterSeconds !== undefined && retryAfterSeconds > 0 && retryAfterSeconds < 10);
    });

    it('refuses a mailbox that nobody signed in, or that was signed out', async () => {
      const { process, organization, device, mailbox } = office;
      const never = value(
        await process.administration.mailboxes.create(organization.id, {
          provider: 'google',
          address: 'never@gmail.example',
          aliases: [],
        }),
      );
      value(await process.administration.devices.bind(device.clientId, 'fax', never.mailbox.id));
      assert.equal(failure(await link.admit(presented(office, 'fax'))).kind, 'not_signed_in');
      value(await process.administration.mailboxes.signOut(mailbox.id));
      assert.equal(failure(await link.admit(presented(office))).kind, 'signed_out');
    });

    it('gives a token of a mailbox once a device has proven itself for it, and says where it is used', async () => {
      assert.equal(failure(await link.token(tokenWish())).kind, 'slot_not_bound');
      await admitted();
      const { accessToken, expiresAt, ...places } = value(await link.token(tokenWish()));
      assert.equal(accessToken, world.microsoft.issued.at(-1)?.accessToken);
      assert.ok(expiresAt - now(world) > 600);
      const server = { host: 'smtp.microsoft.example', port: 587, security: 'starttls' };
      assert.deepEqual(places, { server, apiUrl: undefined });
    });

    it('tells why there is no token, as a device is told, with the code of the provider', async () => {
      await admitted();
      world.microsoft.revoke(`subject-of-${office.mailbox.address}`);
      await advanceSeconds(world, 7200);
      const { kind, code, detail } = failure(await link.token(tokenWish()));
      assert.equal(kind, 'sign_in_lapsed');
      assert.ok(code && detail);
    });

    it('lets one message after the other go, and a new run take over from one that a kill has ended', async () => {
      await admitted();
      const pace = async () => (await office.process.records.outboxes.pace(office.mailbox.id)).pace;
      assert.deepEqual(await step(), { granted: true });
      assert.deepEqual(await step({ ended: { wasSent: true, secondsAgo: 1 } }), { granted: true });
      assert.deepEqual(await step({ owner: 'run-2' }), { granted: true });
      assert.deepEqual(
        Object.values((await pace()).connections).map(({ owner }) => owner),
        ['run-2'],
      );
      assert.equal((await pace()).sentAt.length, 2, 'also what was on its way');
      const last = { wasSent: true, secondsAgo: 0 };
      assert.deepEqual(await step({ owner: 'run-2', wants: 'release', ended: last }), { granted: true });
      assert.deepEqual((await pace()).connections, {});
      assert.equal((await pace()).sentAt.length, 3);
    });

    it('holds to the limit of the mailbox', async () => {
      await admitted();
      for (let sent = 0; sent < 30; sent++) {
        const ended = sent === 0 ? {} : { ended: { wasSent: true, secondsAgo: 0 } };
        assert.deepEqual(await step(ended), { granted: true });
      }
      const refused = await step({ ended: { wasSent: true, secondsAgo: 0 } });
      assert.ok(!refused.granted && refused.why === 'limit');
      assert.equal(refused.waitMs, 61_000);
    });

    it('has no pace for a mailbox that it does not serve', async () => {
      const step: PaceStep = { mailboxId: office.mailbox.id, owner: 'run-1', wants: 'permit' };
      assert.equal(failure(await link.pace(step)).kind, 'slot_not_bound');
    });

    it('passes a message on into the relay, once', async () => {
      await admitted();
      const { submissionId } = value(await link.pass(passedMessage(office)));
      assert.equal(value(await link.pass(passedMessage(office))).submissionId, submissionId);
      const record = await office.process.records.submissions.get(submissionId);
      assert.deepEqual(record?.submission.envelope.to, ['ann@contoso.example']);
      assert.equal(record?.submission.clientId, office.device.clientId);
      assert.match(world.blobs.text(`submissions/${submissionId}.eml`) ?? '', /See below\./);
      assert.deepEqual(world.blobs.keys(), [`submissions/${submissionId}.eml`]);
    });

    it('passes a large message on, and once more after its answer was lost', async () => {
      await admitted();
      const large = passedMessage(office, { text: LARGE });
      const { submissionId } = value(await link.pass(large));
      assert.ok((world.blobs.text(`submissions/${submissionId}.eml`) ?? '').endsWith(LARGE.slice(-1000)));
      assert.equal(value(await link.pass(large)).submissionId, submissionId);
      assert.deepEqual(world.blobs.keys(), [`submissions/${submissionId}.eml`]);
    });

    it('passes on envelopes that fit in no header', async () => {
      await admitted();
      const to = [
        'jürgen@büro.example',
        ...Array.from({ length: 99 }, (_, one) => `${'a'.repeat(60)}${one}@b.example`),
      ];
      const { submissionId } = value(await link.pass(passedMessage(office, { to })));
      const record = await office.process.records.submissions.get(submissionId);
      assert.deepEqual(record?.submission.envelope.to, to);
    });

    it('says what is wrong with a message as the relay would', async () => {
      await admitted();
      const foreign = 'From: boss@elsewhere.example\r\nTo: ann@contoso.example\r\n\r\nX\r\n';
      assert.equal(failure(await link.pass(passedMessage(office, { text: foreign }))).kind, 'sender_not_allowed');
      assert.equal(failure(await link.pass(passedMessage(office, { text: 'no message' }))).kind, 'not_a_message');
      const { process, device } = office;
      value(await process.administration.devices.remove(device.clientId));
      assert.equal(failure(await link.pass(passedMessage(office))).kind, 'invalid_client');
    });

    it('does not swallow what keeps it from reading the message', async () => {
      await admitted();
      const broken = async function* () {
        yield Buffer.from('From: scan@contoso.example\r\n');
        throw new Error('the disk is broken');
      };
      const open = async () => Readable.from(broken());
      for (const sizeBytes of [1000, 5_000_000]) {
        await assert.rejects(link.pass(passedMessage(office, { sizeBytes, open })), /the disk is broken/);
      }
      assert.deepEqual(world.blobs.keys(), []);
    });

    it('takes reports, and tells when a mailbox was signed in', async () => {
      await admitted();
      const { process, mailbox } = office;
      const submission = sentByGateway(world, process, office, { mayRewriteSender: true, unknownOutcomes: 1 });
      const hold = {
        cause: 'hold',
        since: 1,
        until: now(world) + 60,
        reason: 'sign_in_lapsed',
        response: 'x',
      } as const;
      const told = reportOf(world, [{ submission, stop: hold }], {
        outboxes: [{ mailboxId: mailbox.id, outbox: { stop: hold, resumedAt: 7 } }],
        waiting: [mailbox.id, 'mbx_of_nobody'],
      });
      assert.deepEqual(value(await link.report(told)), { signedInAt: { [mailbox.id]: now(world) } });
      const kept = (await process.records.submissions.get(submission.id))?.submission;
      assert.deepEqual(kept, { ...submission, gatewayId: office.gateway.gatewayId, stop: hold });
      const sent = sentAt(submission, now(world));
      assert.deepEqual(value(await link.report(reportOf(world, [sent]))), { signedInAt: {} });
      const ended = (await process.records.submissions.get(submission.id))?.submission;
      assert.deepEqual(ended, { ...sent, gatewayId: office.gateway.gatewayId });
    });

    it('takes any number of submissions', async () => {
      await admitted();
      const { process } = office;
      const many = Array.from({ length: 230 }, () => sentByGateway(world, process, office));
      value(await link.report(reportOf(world, many)));
      const { records } = await process.records.submissions.page(office.organization.id, 500);
      assert.equal(records.length, 230);
    });

    it("gives another organization's device and mailbox away to nobody", async () => {
      const other = await openOffice(office.process, { address: 'scan@fabrikam.example' });
      value(await signIn(world, office.process, other.mailbox));
      const real = failure(await link.admit(presented(other)));
      assert.deepEqual(real, failure(await link.admit({ ...presented(other), clientId: 'nobody' })));
      assert.equal(real.kind, 'invalid_client');
      assert.equal(failure(await link.token(tokenWish({ mailboxId: other.mailbox.id }))).kind, 'slot_not_bound');
    });
  });
}
