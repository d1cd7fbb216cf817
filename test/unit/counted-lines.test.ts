import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { BROKER_SENDER } from '../../shared/domain/notice-sender.ts';
import type { LogFields } from '../../shared/ports/log.ts';
import { logDelivery } from '../../shared/usecases/mail/log-delivery.ts';
import { refreshTokenMaker } from '../../shared/usecases/pairing/redeem-refresh-token.ts';
import { INVALID_GRANT, unavailable } from '../fakes/scripted-provider.ts';
import { gatewayOffice, presented, reportOf, sentAt, sentByGateway } from './gateway-office.ts';
import {
  accountOf,
  advanceSeconds,
  callbackOf,
  failure,
  makeWorld,
  type Office,
  PLACE,
  type Process,
  settle,
  signedInOffice,
  tokenRequest,
  value,
  type World,
} from './support.ts';

describe('a request for a token that got none', () => {
  let world: World;
  let process: Process;
  let office: Office;

  beforeEach(async () => {
    world = makeWorld();
    ({ process, ...office } = await signedInOffice(world));
  });

  const refused = (): readonly LogFields[] => world.log.of('token.refused').map(({ fields }) => fields);
  const fetch = (changes = {}) => settle(world, process.fetchToken(tokenRequest(office.credential, changes)));
  const about = () => ({
    client_id: office.device.clientId,
    organization_id: office.organization.id,
    slot: 'scan',
    audience: 'smtp',
  });

  it('is told once, with its mailbox, what it was refused for and what the provider said', async () => {
    await advanceSeconds(world, 3601);
    world.microsoft.failNext(INVALID_GRANT);
    const { kind } = failure(await fetch());
    assert.deepEqual(refused(), [{ ...about(), mailbox_id: office.mailbox.id, kind, code: INVALID_GRANT.code }]);
    failure(await fetch());
    assert.equal(refused().length, 2);
  });

  it('is told of a slot without a mailbox', async () => {
    failure(await fetch({ slot: 'fax' }));
    assert.deepEqual(refused(), [{ ...about(), slot: 'fax', kind: 'slot_not_bound' }]);
  });

  it('is not told of where it got one', async () => {
    value(await fetch());
    assert.deepEqual(refused(), []);
  });

  it('is not told of anybody who is not known: the wrong secret is counted already', async () => {
    failure(await fetch({ clientSecret: 'wrong' }));
    failure(await fetch({ clientId: 'nobody' }));
    assert.equal(world.log.of('attempt.refused').length, 2);
    value(await process.administration.devices.update(office.device.clientId, { enabled: false }));
    assert.equal(failure(await fetch()).kind, 'invalid_client');
    assert.deepEqual(refused(), []);
  });

  it("is told once where the broker's own refresh token led to it, and of a token that is unknown", async () => {
    const make = {
      clientId: office.device.clientId,
      slot: 'scan',
      mailboxId: office.mailbox.id,
      audience: 'smtp',
    } as const;
    const refreshToken = await refreshTokenMaker(process)(make);
    const redeem = (token: string) =>
      settle(
        world,
        process.redeemRefreshToken({
          ...{ ...office.credential, place: PLACE, refreshToken: token, audience: undefined, minTtlSeconds: 600 },
        }),
      );
    await advanceSeconds(world, 3601);
    world.microsoft.failNext(INVALID_GRANT);
    const { kind } = failure(await redeem(refreshToken));
    assert.deepEqual(
      refused().map((fields) => [fields.kind, fields.slot]),
      [[kind, 'scan']],
    );
    failure(await redeem('nothing like it'));
    assert.deepEqual(refused().slice(1), [
      { client_id: office.device.clientId, organization_id: office.organization.id, kind: 'refresh_token_unknown' },
    ]);
  });

  it('is not told of a poll that goes on, but of one that is over', async () => {
    const wish = { slot: 'user:jan', audience: 'smtp', provider: undefined, loginHint: undefined } as const;
    const { deviceCode, userCode } = value(await process.beginPairing({ ...office.credential, ...wish }));
    const poll = async () => {
      await advanceSeconds(world, 5);
      return settle(world, process.redeemDeviceCode({ ...office.credential, deviceCode, minTtlSeconds: 600 }));
    };
    assert.equal(failure(await poll()).kind, 'pairing_pending');
    world.microsoft.failAlways(unavailable());
    const agreed = value(await process.answerPairing.agree(userCode, PLACE, 'microsoft'));
    const departed = value(await process.departForProvider(agreed.id));
    const { state, code } = world.microsoft.login(departed.authorizationUrl, {
      account: accountOf('jan@contoso.example'),
    });
    await settle(world, process.completeSignIn(callbackOf(departed, { state, code })));
    assert.equal(failure(await poll()).kind, 'pairing_pending');
    assert.deepEqual(refused(), []);
    world.microsoft.failAlways(INVALID_GRANT);
    await advanceSeconds(world, 120);
    const { kind } = failure(await poll());
    assert.deepEqual(
      refused().map((fields) => [fields.kind, fields.slot]),
      [[kind, 'user:jan']],
    );
  });

  it('is told with the gateway that asked', async () => {
    const at = await gatewayOffice(world);
    value(await at.link.admit(presented(at)));
    await advanceSeconds(world, 3601);
    world.microsoft.failNext(INVALID_GRANT);
    const asked = at.link.token({ mailboxId: at.mailbox.id, audience: 'smtp', minTtlSeconds: 600 });
    const { kind, code } = failure(await settle(world, asked));
    const { gatewayId: gateway_id } = at.gateway;
    assert.deepEqual(refused(), [{ gateway_id, mailbox_id: at.mailbox.id, audience: 'smtp', kind, code }]);
  });
});

describe('the line of a refresh', () => {
  for (const [event, fail, seconds] of [
    ['grant.refreshed', undefined, 0.4],
    ['grant.refresh_failed', unavailable(), 0.4],
    // The token before is tried, too.
    ['grant.invalid', INVALID_GRANT, 0.8],
  ] as const) {
    it(`says with which provider, and how long it took: ${event}`, async () => {
      const world = makeWorld();
      const { process, credential } = await signedInOffice(world);
      const before = world.log.of(event).length;
      await advanceSeconds(world, 3601);
      world.microsoft.latencyMs = 400;
      if (fail !== undefined) world.microsoft.failNext(fail);
      await settle(world, process.fetchToken(tokenRequest(credential)));
      const [line, ...others] = world.log.of(event).slice(before);
      assert.deepEqual([line?.fields.provider, line?.fields.seconds, others.length], ['microsoft', seconds, 0]);
    });
  }

  it('names what the provider said apart from what the line itself says', async () => {
    const world = makeWorld();
    const { process, credential } = await signedInOffice(world);
    await advanceSeconds(world, 3601);
    world.microsoft.failNext({ ...INVALID_GRANT, correlationId: 'c-1', message: 'Revoked.' });
    await settle(world, process.fetchToken(tokenRequest(credential)));
    const [line] = world.log.of('grant.invalid');
    assert.deepEqual([line?.fields.provider_correlation_id, line?.fields.detail], ['c-1', 'Revoked.']);
  });
});

describe('the line of a message that was sent', () => {
  it('says how long it was on its way since it was accepted', async () => {
    const world = makeWorld();
    const { process, credential } = await signedInOffice(world);
    const message = Buffer.from('From: scan@contoso.example\r\nTo: bob@contoso.example\r\nSubject: x\r\n\r\nx\r\n');
    const given = { ...credential, slot: 'scan', message, envelopeTo: undefined, idempotencyKey: undefined };
    const { id } = value(await process.acceptMessage(given));
    await advanceSeconds(world, 7);
    await settle(world, process.workMail());
    const [line] = world.log.of('submission.sent');
    assert.deepEqual([line?.fields.submission_id, line?.fields.seconds], [id, 7]);
  });

  it('counts it as relayed where the relay had accepted it, and else not', async () => {
    const world = makeWorld();
    const at = await gatewayOffice(world);
    value(await at.link.admit(presented(at)));
    const message = Buffer.from('To: bob@contoso.example\r\nSubject: x\r\n\r\nx\r\n');
    const given = { ...at.credential, slot: 'scan', message, envelopeTo: undefined, idempotencyKey: undefined };
    const { id } = value(await at.process.acceptMessage(given));
    await settle(world, at.process.workMail());
    const one = sentByGateway(world, at.process, at);
    value(await at.link.report(reportOf(world, [sentAt(one, 0)])));
    const lines = logDelivery(world.log);
    lines.submission(sentAt({ ...one, id: 'a notice', clientId: BROKER_SENDER }, 0));
    lines.submission(sentAt({ ...one, id: 'sent again by a person', resentAt: 0 }, 0));
    assert.deepEqual(
      world.log.of('submission.sent').map(({ fields }) => [fields.submission_id, fields.gateway_id, fields.relayed]),
      [
        [id, undefined, 1],
        [one.id, at.gateway.gatewayId, undefined],
        ['a notice', undefined, undefined],
        ['sent again by a person', undefined, undefined],
      ],
    );
  });
});
