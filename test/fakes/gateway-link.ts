import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import type { ServedDevice, ServedToken } from '../../shared/domain/gateway.ts';
import { MAILBOX_LIMITS } from '../../shared/domain/outbox.ts';
import { askPermit, messageEnded, NO_PACE, type Pace, released } from '../../shared/domain/pace.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import type {
  GatewayLink,
  GatewayReport,
  PaceStep,
  PassedMessage,
  PresentedCredential,
  ReportAnswer,
} from '../../shared/ports/gateway-link.ts';
import { type Gate, makeGate } from './gate.ts';

type TokenWish = Parameters<GatewayLink['token']>[0];
type Call = keyof GatewayLink;

export interface ScriptedLink extends GatewayLink {
  /** What reached the broker, in order. */
  readonly admits: readonly PresentedCredential[];
  readonly tokens: readonly TokenWish[];
  readonly steps: readonly PaceStep[];
  readonly passed: readonly (Omit<PassedMessage, 'open'> & { readonly content: string })[];
  readonly reports: readonly GatewayReport[];
  /** Closed: the broker has heard, and does not answer yet. */
  readonly gate: Gate;
  /** How many calls were made, whether the broker heard of them or not. */
  readonly calls: number;
  /** `down`: nothing reaches the broker. `answers lost`: it hears and does all, and is not heard. */
  line: 'up' | 'down' | 'answers lost';
  /** Every such call is answered with this from now on; undefined: as it should be. */
  refuse(call: Call, error: BrokerError | undefined): void;
  enrol(secret: string, device: ServedDevice): void;
  disable(clientId: string): void;
  /** What the broker keeps of the mailbox's pace, as the relay's workers share it. */
  readonly paces: Map<string, Pace>;
  /** So long each token lives from when it was made. A token is made where the last one lives too short for the wish. */
  tokenLifeSeconds: number;
  signedInAt: Readonly<Record<string, number>>;
}

const UNREACHABLE = fail(brokerError('broker_unreachable', 'The broker cannot be reached (ECONNREFUSED).'));

/** A broker in memory, at the other end of a line that a test cuts. It gives and refuses as the real one does. */
export const scriptedLink = (clock: Clock): ScriptedLink => {
  const admits: PresentedCredential[] = [];
  const tokens: TokenWish[] = [];
  const steps: PaceStep[] = [];
  const passed: (Omit<PassedMessage, 'open'> & { readonly content: string })[] = [];
  const reports: GatewayReport[] = [];
  const refusals = new Map<Call, BrokerError>();
  const devices = new Map<string, { readonly secret: string; readonly device: ServedDevice }>();
  const paces = new Map<string, Pace>();
  const made = new Map<string, ServedToken>();
  const gate = makeGate();
  let calls = 0;
  let tokensMade = 0;

  const answered = async <Value>(
    call: Call,
    answer: () => Result<Value, BrokerError> | Promise<Result<Value, BrokerError>>,
  ): Promise<Result<Value, BrokerError>> => {
    calls++;
    if (link.line === 'down') return UNREACHABLE;
    const refusal = refusals.get(call);
    const result = refusal ? fail(refusal) : await answer();
    await gate.pass();
    return link.line === 'answers lost' ? UNREACHABLE : result;
  };

  const newToken = ({ mailboxId, audience }: TokenWish): ServedToken => ({
    accessToken: `token-${++tokensMade}-of-${mailboxId}-for-${audience}`,
    expiresAt: epochSeconds(clock) + link.tokenLifeSeconds,
    server: audience === 'api' ? undefined : { host: 'smtp.provider.example', port: 587, security: 'starttls' },
    apiUrl: audience === 'api' ? 'https://api.provider.example' : undefined,
  });

  const link: ScriptedLink = {
    admits,
    tokens,
    steps,
    passed,
    reports,
    gate,
    paces,
    line: 'up',
    tokenLifeSeconds: 3600,
    signedInAt: {},
    get calls() {
      return calls;
    },
    refuse: (call, error) => void (error ? refusals.set(call, error) : refusals.delete(call)),
    enrol: (secret, device) => void devices.set(device.clientId, { secret, device }),
    disable: (clientId) => void devices.delete(clientId),

    admit: (presented) =>
      answered('admit', () => {
        admits.push(presented);
        const found = devices.get(presented.clientId);
        if (found?.secret !== presented.clientSecret) return fail(brokerError('invalid_client'));
        return ok({ ...found.device, slot: presented.slot });
      }),

    token: (wish) =>
      answered('token', () => {
        tokens.push(wish);
        const name = `${wish.mailboxId}|${wish.audience}`;
        const before = made.get(name);
        if (before && before.expiresAt - epochSeconds(clock) >= wish.minTtlSeconds) return ok(before);
        const token = newToken(wish);
        made.set(name, token);
        return ok(token);
      }),

    pace: (step) =>
      answered('pace', () => {
        steps.push(step);
        const { mailboxId, owner, ended, wants } = step;
        const who = { holder: 'gateway:test', owner };
        const now = clock.now();
        const before = paces.get(mailboxId) ?? NO_PACE;
        const mine = before.connections[who.holder];
        const isHeard = ended && mine?.owner === owner && mine.sending;
        const told = isHeard ? messageEnded(before, who, now - ended.secondsAgo * 1000, ended.wasSent) : before;
        if (wants === 'release') {
          paces.set(mailboxId, released(told, who));
          return ok({ granted: true });
        }
        const permit = askPermit(told, who, MAILBOX_LIMITS.microsoft, now);
        paces.set(mailboxId, permit.granted ? permit.pace : told);
        return ok(permit.granted ? { granted: true } : permit);
      }),

    pass: ({ open, ...message }) =>
      answered('pass', async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of await open()) chunks.push(Buffer.from(chunk));
        passed.push({ ...message, content: Buffer.concat(chunks).toString('latin1') });
        return ok({ submissionId: `sub_relay_${passed.length}` });
      }),

    report: (report) =>
      answered('report', () => {
        reports.push(structuredClone(report));
        return ok<ReportAnswer>({ signedInAt: link.signedInAt });
      }),
  };
  return link;
};
