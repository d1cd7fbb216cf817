import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { makeTokens } from '../../../gateway/delivery/tokens.ts';
import { brokerError } from '../../../shared/domain/errors.ts';
import type { GatewayLink } from '../../../shared/ports/gateway-link.ts';
import { type ScriptedLink, scriptedLink } from '../../fakes/gateway-link.ts';
import { type ManualClock, manualClock } from '../../fakes/manual-clock.ts';
import { failure, value } from '../support.ts';

const NEW = Number.MAX_SAFE_INTEGER;

describe('tokens at a gateway', () => {
  let clock: ManualClock;
  let link: ScriptedLink;
  let token: GatewayLink['token'];

  beforeEach(() => {
    clock = manualClock();
    link = scriptedLink(clock);
    token = makeTokens({ link, clock });
  });

  const fetch = (minTtlSeconds = 600, audience: 'smtp' | 'pop' = 'smtp', mailboxId = 'mbx_1') =>
    token({ mailboxId, audience, minTtlSeconds });
  const advance = (seconds: number) => clock.advance(seconds * 1000);

  it('are asked for once while they live as long as is wished', async () => {
    const first = value(await fetch());
    await advance(3000);
    assert.equal(value(await fetch()).accessToken, first.accessToken);
    assert.equal(link.tokens.length, 1);
    await advance(1);
    assert.notEqual(value(await fetch()).accessToken, first.accessToken);
    assert.equal(link.tokens.length, 2);
  });

  it('are kept apart by mailbox and by audience', async () => {
    const all = [await fetch(), await fetch(600, 'pop'), await fetch(600, 'smtp', 'mbx_2')];
    assert.equal(new Set(all.map((one) => value(one).accessToken)).size, 3);
  });

  it('are asked for once by all who ask at the same time', async () => {
    link.gate.close();
    const all = Promise.all(Array.from({ length: 100 }, () => fetch()));
    link.gate.open();
    assert.equal(new Set((await all).map((one) => value(one).accessToken)).size, 1);
    assert.equal(link.calls, 1);
  });

  it('are used to their last minute while the broker cannot be reached, whatever life is wished for', async () => {
    const { accessToken } = value(await fetch());
    link.line = 'down';
    await advance(3540);
    assert.equal(value(await fetch()).accessToken, accessToken);
    await advance(1);
    assert.equal(failure(await fetch()).kind, 'broker_unreachable');
    link.line = 'up';
    assert.notEqual(value(await fetch()).accessToken, accessToken);
  });

  it('are dropped when the broker says no', async () => {
    value(await fetch());
    await advance(3001);
    link.refuse('token', brokerError('signed_out'));
    assert.equal(failure(await fetch()).kind, 'signed_out');
    link.refuse('token', undefined);
    link.line = 'down';
    assert.equal(failure(await fetch()).kind, 'broker_unreachable');
    assert.equal(failure(await fetch(0)).kind, 'broker_unreachable');
  });

  it('go to the broker where another one is wanted, and the other one is kept', async () => {
    const first = value(await fetch());
    const second = value(await fetch(NEW));
    assert.notEqual(second.accessToken, first.accessToken);
    assert.equal(value(await fetch()).accessToken, second.accessToken);
  });

  it('are not given again in the place of another while the broker cannot be reached', async () => {
    value(await fetch());
    link.line = 'down';
    assert.equal(failure(await fetch(NEW)).kind, 'broker_unreachable');
    value(await fetch());
  });

  it('do not stand in the way of a next try once one has failed', async () => {
    link.line = 'down';
    await Promise.all([fetch(), fetch()]);
    assert.equal(link.calls, 1);
    link.line = 'up';
    value(await fetch());
  });
});
