import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { systemRandom } from '../../../shared/adapters/system/system-random.ts';
import type { Mailbox } from '../../../shared/domain/entities.ts';
import { AUDIENCES } from '../../../shared/domain/provider.ts';
import { epochSeconds } from '../../../shared/ports/clock.ts';
import { SCOPES } from '../../../shared/protocol/scopes.ts';
import { newId } from '../../../shared/usecases/secrets.ts';
import type { Callback } from '../../../shared/usecases/sign-in/complete-sign-in.ts';
import type { Broker } from './composition.ts';
import type { Work } from './orders.ts';
import type { Ended } from './run-broker.ts';
import type { Setting } from './world.ts';

/** `first sign-in`: of a mailbox that never had a grant. `sign-in again`: the earlier grant works. */
export type Operation = 'refresh' | 'first sign-in' | 'sign-in again' | 'sign-out';

/** How a mailbox is found after the crash. */
export type Found = 'works' | 'needs a sign-in' | 'never signed in' | 'signed out';

export interface Verdict {
  readonly found: Found;
  /** The provider had retired the token that rests in the vault, and the one it gave instead was never durable. */
  readonly answerLost: boolean;
}

/** Longer than any lease, and than the broker's pauses after a failure. */
const LATER_SECONDS = 60;

const forceRefresh = ({ refreshGrant, clock }: Broker, { id }: Mailbox) =>
  refreshGrant({ mailboxId: id, audience: 'smtp', minTtlSeconds: 86_400, askedAt: clock.now() / 1000 });

/** From the link to the browser's way back; the broker has not heard of it yet. */
const walkToCallback = async (broker: Broker, mailbox: Mailbox): Promise<Callback> => {
  const departed = await broker.departForProvider((await broker.beginSignIn(mailbox)).id);
  assert.ok(departed.ok);
  const { authorizationUrl, provider, browserSecret } = departed.value;
  const reply = await fetch(authorizationUrl, { redirect: 'manual' });
  const { searchParams } = new URL(reply.headers.get('location') ?? '');
  const query = { state: searchParams.get('state') ?? '', code: searchParams.get('code') ?? '' };
  return { provider, browserSecret, ...query, error: undefined, errorDescription: undefined };
};

/** One mailbox, and a broker that shall die over it. */
export const makeRound = async (
  setting: Setting,
  operation: Operation,
  { earlier, present }: { readonly earlier: Broker; readonly present: Broker },
) => {
  const { server, registration } = setting;
  const { provider } = registration;
  const address = `${randomUUID()}@contoso.example`;
  const ids = { id: newId('mbx', systemRandom), organizationId: ORGANIZATION.id };
  const mailbox: Mailbox = { ...ids, provider, address, aliases: [], createdAt: epochSeconds(earlier.clock) };
  await present.records.mailboxes.create(mailbox);

  if (operation !== 'first sign-in') {
    const account = { subject: address, addresses: [address] };
    const scopes = Object.values(SCOPES[provider]);
    const adopted = await earlier.adoptSignIn(mailbox, { refreshToken: server.issue(address), account, scopes });
    assert.ok(adopted.ok);
    // From here on there is a cached token, and with a strict provider a refresh token before the one in the vault.
    if (operation !== 'sign-in again') assert.deepEqual(await forceRefresh(earlier, mailbox), { outcome: 'fresh' });
  }

  const secrets: string[] = [];
  const workOf = async (): Promise<Work> => {
    if (operation === 'refresh') return { operation, mailboxId: mailbox.id, times: 1 };
    if (operation === 'sign-out') return { operation, mailbox };
    const callback = await walkToCallback(present, mailbox);
    secrets.push(callback.state ?? '', callback.code ?? '', callback.browserSecret ?? '');
    return { operation: 'sign-in', callback };
  };

  /** A token has come, and the family that it is of is alive. */
  const assertWorks = async (broker: Broker): Promise<void> => {
    const { tokens, grant } = await broker.records.grants.getWithTokens(mailbox.id, ['smtp']);
    assert.equal(grant.state, 'active');
    const sealed = tokens[0]?.sealed ?? '';
    const accessToken = await broker.records.grants.openAccessToken(ORGANIZATION.id, mailbox.id, 'smtp', sealed);
    assert.equal(server.ownerOf(accessToken), address);
  };

  const assertNeedsSignIn = async (broker: Broker): Promise<void> => {
    const { grant } = await broker.records.grants.get(mailbox.id);
    assert.ok(grant.state === 'invalid', `the grant is ${grant.state}`);
    assert.equal(grant.reason, 'sign_in_lapsed');
    assert.ok(server.seen(address).refusals > 0, 'the provider has not said so');
    assert.ok(await broker.vault.read(mailbox.id), 'an error has deleted the refresh token');
    const { refreshes } = server.seen(address);
    assert.equal((await forceRefresh(broker, mailbox)).outcome, 'failed');
    assert.equal(server.seen(address).refreshes, refreshes, 'the provider was asked though it had said no');
  };

  const findOut = async (broker: Broker): Promise<Found> => {
    const refreshed = await forceRefresh(broker, mailbox);
    if (refreshed.outcome === 'fresh') return 'works';
    const { kind } = refreshed.error;
    if (kind === 'sign_in_lapsed') return 'needs a sign-in';
    if (kind === 'not_signed_in') return 'never signed in';
    if (kind === 'signed_out') return 'signed out';
    throw new Error(`the refresh after the crash says ${JSON.stringify(refreshed.error)}`);
  };

  const assertSignsOut = async (broker: Broker): Promise<void> => {
    await broker.signOut(mailbox);
    const { grant, tokens } = await broker.records.grants.getWithTokens(mailbox.id, AUDIENCES);
    assert.equal(grant.state, 'signed_out');
    assert.ok(tokens.every((token) => token === undefined));
    assert.deepEqual(await setting.durableTokens(mailbox.id), []);
  };

  const assertSignsIn = async (broker: Broker): Promise<void> => {
    const completed = await broker.completeSignIn(await walkToCallback(broker, mailbox));
    assert.ok(completed.ok && completed.value.tokenStatus === 'acquired', JSON.stringify(completed));
  };

  /** What must be true of the mailbox, by what had been said and written before the crash. */
  const expected = (grant: 'never' | 'signed_out' | 'held', answerLost: boolean): Found => {
    if (grant === 'never') return 'never signed in';
    if (grant === 'signed_out') return 'signed out';
    // After a sign-in the vault has the earlier grant's token too, and that one has never been used up.
    return answerLost && operation !== 'sign-in again' ? 'needs a sign-in' : 'works';
  };

  return {
    mailbox,
    workOf,

    /** Looks at what the crash has left, as the next broker does when the lease has run out. */
    async judge({ trail, output }: Ended): Promise<Verdict> {
      const leaked = [...server.secretsOf(address), ...secrets].filter((secret) => output.includes(secret));
      assert.equal(leaked.length, 0, 'a secret is in what the broker said');
      const durable = await setting.durableTokens(mailbox.id);
      const answerLost = durable.length > 0 && !durable.some(server.isLive);
      const broker = await setting.composed(LATER_SECONDS);
      const { state } = (await broker.records.grants.get(mailbox.id)).grant;
      assertStateFits(operation, state, trail);

      const found = await findOut(broker);
      const grant = state === 'never' || state === 'signed_out' ? state : 'held';
      const answer = answerLost ? 'the answer was lost' : 'no answer was lost';
      assert.equal(found, expected(grant, answerLost), `it ${found}, though ${answer} and the grant was ${state}`);
      const { reused } = server.seen(address);
      if (!answerLost) assert.deepEqual(reused, [], 'a token was used twice');
      assert.equal(new Set(reused).size, reused.length, 'a token was used three times');
      assert.ok(reused.length <= 2);

      if (found === 'works') await assertWorks(broker);
      // What that refresh stored works as well.
      if (found === 'works' && operation === 'refresh') assert.equal(await findOut(broker), found);
      if (found === 'needs a sign-in') await assertNeedsSignIn(broker);
      if (operation === 'sign-out') await assertSignsOut(broker);
      assert.equal(server.seen(address).reused.length, reused.length, 'a token was used twice after the recovery');
      if (operation !== 'refresh' || found === 'needs a sign-in') await assertSignsIn(broker);
      broker.close();
      return { found, answerLost };
    },
  };
};

export const ORGANIZATION = { id: 'org_crash', name: 'Contoso', locale: 'en', enabled: true, createdAt: 0 } as const;

/** A sign-in or a sign-out takes effect with one write of the grant: neither before it nor, by half, after it. */
const assertStateFits = (operation: Operation, state: string, trail: readonly string[]): void => {
  const effect = operation === 'first sign-in' ? state !== 'never' : state === 'signed_out';
  if (operation !== 'first sign-in' && operation !== 'sign-out') {
    assert.ok(!effect);
    return;
  }
  const isGrantWrite = (step: string, moment: string) => step.startsWith(moment) && /\+grant\b/.test(step);
  if (trail.some((step) => isGrantWrite(step, 'after'))) assert.ok(effect, `the grant is ${state} after its write`);
  if (!trail.some((step) => isGrantWrite(step, 'before'))) assert.ok(!effect, `the grant is ${state} before its write`);
};
