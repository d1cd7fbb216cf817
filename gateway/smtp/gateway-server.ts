import type { Socket } from 'node:net';
import type {
  SMTPServerAddress,
  SMTPServerAuthentication,
  SMTPServerAuthenticationResponse,
  SMTPServerDataStream,
  SMTPServerSession,
} from 'smtp-server';
import type { SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import { brokerError } from '../../shared/domain/errors.ts';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import { type SmtpReply, smtpReplyOf } from '../../shared/protocol/smtp-reply.ts';
import type { SmtpDeps, SmtpLimits, SmtpPort } from './options.ts';
import { Reception } from './reception.ts';
import { protocolReply } from './replies.ts';
import { Session, type SessionSetting, textOf } from './session.ts';
import { makeSignIn } from './sign-in.ts';
import { makeTransaction, type Transaction } from './transaction.ts';
import type { Visit } from './visits.ts';

type Go = (error?: Error | null) => void;

/**
 * So long after its first message a session may begin another: a device that was disabled meanwhile must not go on for as long as
 * it keeps the line.
 */
const SIGN_IN_HOLDS_MS = 15 * 60_000;

/** A refusal as smtp-server's hooks take it. */
const refusal = (reply: SmtpReply): Error => Object.assign(new Error(textOf(reply)), { responseCode: reply.code });

/** smtp-server's listener, with what a session asks of us: who it is, and what may be sent. */
export class GatewayServer extends Reception {
  readonly #setting: SessionSetting;
  readonly #transaction: Transaction;
  readonly #sessions = new WeakMap<SMTPServerSession, Session>();
  readonly #firstMailAt = new WeakMap<SMTPServerSession, number>();

  constructor(port: SmtpPort, deps: SmtpDeps, limits: SmtpLimits) {
    super(port, deps, limits);
    this.#transaction = makeTransaction(deps, () => this.limits);
    this.#setting = {
      port,
      signIn: makeSignIn(deps),
      limits: () => this.limits,
      nowMs: () => deps.clock.now(),
      isClosing: () => this._closeTimeout !== false,
      tlsFailed: (failure) => this.tlsFailed(failure),
      notSignedIn: (fields) => deps.log.warn('smtp.not_signed_in', fields),
      failed: (error) => this.#failed(error),
    };
  }

  /** Idle sessions end now, those in a message with their reply, and after the deadline the rest. */
  stop(deadlineSeconds: number): Promise<void> {
    const stopped = this.shut(deadlineSeconds);
    for (const connection of this.connections) if (connection instanceof Session) connection.leave();
    return stopped;
  }

  protected override begin(socket: Socket, options: SMTPConnectionOptions, visit: Visit): void {
    const session = new Session(this, socket, options, this.#setting, visit);
    this.#sessions.set(session.session, session);
    this.connections.add(session);
    session.on('error', (error) => this._onError(error));
    session.init();
  }

  #sessionOf(session: SMTPServerSession): Session {
    const found = this.#sessions.get(session);
    if (found === undefined) throw new Error('a session that was never begun');
    return found;
  }

  /** Only whoever has signed in gets here: the library sees to that, and this once more. */
  #deviceOf(session: SMTPServerSession): ServedDevice {
    const { device } = this.#sessionOf(session);
    if (device === undefined) throw new Error('a command of somebody who has not signed in');
    return device;
  }

  #isSignInTooOld(session: SMTPServerSession): boolean {
    const now = this.deps.clock.now();
    const first = this.#firstMailAt.get(session) ?? now;
    this.#firstMailAt.set(session, first);
    return now - first > SIGN_IN_HOLDS_MS;
  }

  #failed(error: unknown): SmtpReply {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.deps.log.error('smtp.failed', { error: text });
    return smtpReplyOf(brokerError('internal'), 'en');
  }

  /** Whatever is thrown is answered. */
  async #replyOf(step: () => SmtpReply | undefined | Promise<SmtpReply | undefined>): Promise<SmtpReply | undefined> {
    try {
      return await step();
    } catch (error) {
      return this.#failed(error);
    }
  }

  async #decide(go: Go, step: () => SmtpReply | undefined | Promise<SmtpReply | undefined>): Promise<void> {
    const reply = await this.#replyOf(step);
    go(reply && refusal(reply));
  }

  /** The greeting waits for nothing more. */
  override onConnect(_session: SMTPServerSession, go: Go): void {
    go();
  }

  override onSecure(socket: Socket, session: SMTPServerSession, go: Go): void {
    this.deps.metrics.handshake(this.#sessionOf(session).noteTls(socket).version);
    go();
  }

  override onAuth(
    auth: SMTPServerAuthentication,
    session: SMTPServerSession,
    answer: (error: Error | null, response?: SMTPServerAuthenticationResponse) => void,
  ): void {
    void this.#sessionOf(session)
      .authenticate(auth)
      .then(
        (response) => answer(null, response),
        (error: unknown) => answer(refusal(this.#failed(error))),
      );
  }

  override onMailFrom(sender: SMTPServerAddress, session: SMTPServerSession, go: Go): void {
    void this.#decide(go, () =>
      this.#isSignInTooOld(session)
        ? protocolReply('signInTooOld')
        : this.#transaction.mail(this.#deviceOf(session), sender),
    );
  }

  override onRcptTo(recipient: SMTPServerAddress, session: SMTPServerSession, go: Go): void {
    void this.#decide(go, () => this.#transaction.recipient(this.#deviceOf(session), recipient, session.envelope));
  }

  override onData(
    stream: SMTPServerDataStream,
    session: SMTPServerSession,
    answer: (error: Error | null, text?: string) => void,
  ): void {
    void this.#replyOf(() => this.#transaction.content(this.#deviceOf(session), session.envelope, stream)).then(
      (reply) => {
        if (reply?.code === 250) answer(null, textOf(reply));
        else answer(reply ? refusal(reply) : null);
      },
    );
  }
}
