import {
  type ConnectionTest,
  type Facts,
  failedStep,
  TEST_LIMIT_SECONDS,
  TEST_TOKEN_SECONDS,
  type TestProtocol,
  type TestStep,
  type TokenVerdict,
} from '../../domain/connection-test.ts';
import type { Mailbox } from '../../domain/entities.ts';
import { type BrokerError, brokerError, type ErrorKind, passesByItself } from '../../domain/errors.ts';
import { type Grant, generationOf, grantRefusal } from '../../domain/grant.ts';
import { MAILBOX_LIMITS, routeOf } from '../../domain/outbox.ts';
import { fail, ok, type Result } from '../../domain/result.ts';
import { livesLongEnough } from '../../domain/timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Log } from '../../ports/log.ts';
import type { MailProbe, ProbeRequest } from '../../ports/mail-probe.ts';
import type { MailboxTester, TestRequest } from '../../ports/mailbox-tester.ts';
import type { Random } from '../../ports/random.ts';
import type { Refresher } from '../../ports/refresher.ts';
import type { Records } from '../../records/index.ts';
import type { ServerFor } from '../devices/fetch-token.ts';
import type { AcquireAccessToken } from '../grants/acquire-access-token.ts';
import { newId } from '../secrets.ts';
import { type MailboxPace, makeMailboxPace } from './mailbox-pace.ts';

/** Writes the test message, with CRLF line ends. `at`: epoch seconds. */
export type ComposeTestMessage = (message: {
  readonly language: string;
  readonly from: string;
  readonly to: string;
  readonly id: string;
  readonly at: number;
}) => string;

/** A test is over long before; a token that lives so long is good for all of it. */
const ENOUGH_LIFE_SECONDS = 60;

interface Dependencies {
  readonly records: Pick<Records, 'mailboxes' | 'grants' | 'outboxes'>;
  readonly refresher: Refresher;
  readonly acquireAccessToken: AcquireAccessToken;
  readonly probe: MailProbe;
  readonly serverFor: ServerFor;
  readonly composeMessage: ComposeTestMessage;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** Two steps before any mail server is asked; the last one failed, or there is a token. */
interface Admission {
  readonly steps: readonly TestStep[];
  readonly accessToken?: string;
}

const dayOf = (epoch: number): string => new Date(epoch * 1000).toISOString().slice(0, 10);

/** What the provider said when it ended the grant. */
const endedBy = (grant: Grant, kind: ErrorKind): BrokerError => {
  if (grant.state !== 'invalid' || grant.trouble === undefined) return { kind };
  const { message, code, correlationId } = grant.trouble;
  return { kind, detail: message, code, ...(correlationId !== undefined && { correlationId }) };
};

/** Goes through a mailbox's whole way to its mail server (R25), in the sight of whoever asked for it. */
export const makeTestMailbox = (dependencies: Dependencies): MailboxTester => {
  const { records, refresher, acquireAccessToken, probe, serverFor, composeMessage, clock, random, log } = dependencies;
  const { mailboxes, grants, outboxes } = records;
  const mailboxPace = makeMailboxPace({ outboxes, clock });

  const failed = (
    step: 'grant' | 'token',
    startedAt: number,
    why: TokenVerdict,
    error: BrokerError,
    facts: Facts,
  ): TestStep => ({ step, durationMs: clock.now() - startedAt, outcome: 'failed', why, error, facts });

  const grantStep = async ({ id, address }: Mailbox): Promise<TestStep> => {
    const startedAt = clock.now();
    const facts: Facts = { account: address };
    const [{ grant }, openSignIn] = await Promise.all([grants.get(id), grants.openSignIn(id)]);
    if (grant.state === 'never' || grant.state === 'signed_out') {
      const isOpen = (openSignIn?.expiresAt ?? 0) > epochSeconds(clock);
      const kind = isOpen ? 'waiting_for_sign_in' : grant.state === 'never' ? 'not_signed_in' : 'signed_out';
      return failed('grant', startedAt, 'no_grant', { kind }, facts);
    }
    const refusal = grantRefusal(grant);
    if (refusal !== undefined) {
      return failed('grant', startedAt, 'token_update_failed', endedBy(grant, refusal), facts);
    }
    const known = { ...facts, signed_in: grant.account.addresses[0] ?? address, since: dayOf(grant.signedInAt) };
    return { step: 'grant', durationMs: clock.now() - startedAt, outcome: 'passed', seen: 'grant', facts: known };
  };

  /** Why the provider gave no new token; undefined: it did. A person asks, so it is asked even while it is being spared. */
  const refreshed = async ({ id }: Mailbox, audience: TestProtocol): Promise<BrokerError | undefined> => {
    const outcome = await Promise.race([
      refresher.refreshNow({
        mailboxId: id,
        audience,
        minTtlSeconds: Number.MAX_SAFE_INTEGER,
        askedAt: clock.now() / 1000,
        duringBackOff: true,
      }),
      clock.sleep(TEST_TOKEN_SECONDS * 1000),
    ]);
    if (outcome === undefined) return brokerError('provider_unavailable', `No answer in ${TEST_TOKEN_SECONDS} s.`);
    return outcome.outcome === 'failed' ? outcome.error : undefined;
  };

  const tokenStep = async (mailbox: Mailbox, audience: TestProtocol): Promise<Admission> => {
    const startedAt = clock.now();
    const facts: Facts = { account: mailbox.address };
    const trouble = await refreshed(mailbox, audience);
    const read = await grants.getWithTokens(mailbox.id, [audience]);
    // The provider's clear word, and nothing else, ends a grant (design rule 3): only then there is something to delete.
    const hasEnded = read.grant.state === 'invalid';
    if (trouble && !(passesByItself(trouble) && !hasEnded)) {
      const why = hasEnded ? 'token_update_failed' : 'no_token';
      return { steps: [failed('token', startedAt, why, trouble, facts)] };
    }
    const [token] = read.tokens;
    const now = epochSeconds(clock);
    const isGood =
      token !== undefined &&
      token.generation === generationOf(read.grant) &&
      livesLongEnough(token, ENOUGH_LIFE_SECONDS, now);
    const wish = { mailbox, audience, minTtlSeconds: ENOUGH_LIFE_SECONDS };
    const acquired = isGood
      ? await acquireAccessToken(wish, { grant: read, token })
      : fail(trouble ?? brokerError('provider_unavailable'));
    if (!acquired.ok) return { steps: [failed('token', startedAt, 'no_token', acquired.error, facts)] };
    const { accessToken, expiresAt } = acquired.value;
    const step: TestStep = {
      step: 'token',
      durationMs: clock.now() - startedAt,
      outcome: 'passed',
      seen: trouble ? 'token_at_hand' : 'token',
      facts: { ...facts, minutes: Math.floor((expiresAt - now) / 60) },
    };
    return { steps: [step], accessToken };
  };

  const probeOf = (mailbox: Mailbox, request: TestRequest, accessToken: string, limitMs: number): ProbeRequest => {
    const protocol = request.direction === 'send' ? 'smtp' : request.protocol;
    const server = serverFor(mailbox.provider, protocol);
    if (server === undefined) throw new Error(`no server for ${protocol}`);
    const target = { server, user: mailbox.address, accessToken, limitMs };
    if (request.direction === 'receive') return { ...target, protocol: request.protocol };
    const { recipient, language } = request;
    // Without anybody to send to, the mailbox itself is named, and then nothing is sent.
    if (recipient === undefined) return { ...target, protocol: 'smtp', recipient: mailbox.address };
    const message = {
      language,
      from: mailbox.address,
      to: recipient,
      id: newId('test', random),
      at: epochSeconds(clock),
    };
    return { ...target, protocol: 'smtp', recipient, content: composeMessage(message) };
  };

  /** A test of sending has its part in what the mailbox may do, like every message (design rule 8). */
  const withPermit = async <Value>(
    { id, provider }: Mailbox,
    act: (pace: MailboxPace) => Promise<Value>,
  ): Promise<Result<Value, BrokerError>> => {
    const pace = mailboxPace(id, { holder: 'test', owner: newId('test', random) }, MAILBOX_LIMITS[provider]);
    const permit = await pace.permit();
    if (!permit.granted) {
      const retryAfterSeconds = Math.max(1, Math.ceil(permit.waitMs / 1000));
      const detail = `The mailbox is sending as much as its provider allows; test it in ${retryAfterSeconds} s.`;
      return fail({ ...brokerError('too_many_attempts', detail), retryAfterSeconds });
    }
    try {
      return ok(await act(pace));
    } finally {
      await pace.release();
    }
  };

  const goThrough = async (mailbox: Mailbox, request: TestRequest, startedAt: number): Promise<readonly TestStep[]> => {
    const protocol = request.direction === 'send' ? 'smtp' : request.protocol;
    const { steps, accessToken } = await tokenStep(mailbox, protocol);
    if (accessToken === undefined) return steps;
    const limitMs = TEST_LIMIT_SECONDS * 1000 - (clock.now() - startedAt);
    return [...steps, ...(await probe.probe(probeOf(mailbox, request, accessToken, limitMs)))];
  };

  /** From the final dot on the message may have been taken: then it counts. */
  const wasSent = (steps: readonly TestStep[]): boolean =>
    steps.some(
      (one) => one.step === 'message' && (one.outcome === 'passed' || ('why' in one && one.why === 'outcome_unknown')),
    );

  return {
    async test(request) {
      const startedAt = clock.now();
      const mailbox = await mailboxes.get(request.mailboxId);
      if (mailbox === undefined) return fail(brokerError('not_found', 'No such mailbox.'));
      const first = await grantStep(mailbox);
      let rest: Result<readonly TestStep[], BrokerError> = ok([]);
      if (first.outcome === 'passed') {
        const go = () => goThrough(mailbox, request, startedAt);
        rest =
          request.direction === 'receive'
            ? ok(await go())
            : await withPermit(mailbox, async (pace) => {
                const steps = await go();
                pace.ended(wasSent(steps));
                return steps;
              });
      }
      if (!rest.ok) return rest;
      const { outbox } = await outboxes.get(mailbox.id);
      const test: ConnectionTest = {
        direction: request.direction,
        protocol: request.direction === 'send' ? 'smtp' : request.protocol,
        account: mailbox.address,
        steps: [first, ...rest.value],
        durationMs: clock.now() - startedAt,
        route: request.direction === 'send' ? routeOf(mailbox.route, outbox, epochSeconds(clock)) : undefined,
      };
      const failure = failedStep(test);
      log.info('mailbox.tested', {
        mailbox_id: mailbox.id,
        protocol: test.protocol,
        duration_ms: test.durationMs,
        ...(failure && { step: failure.step, why: failure.why }),
      });
      return ok(test);
    },
  };
};
