import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { SMTPServer, SMTPServerAuthentication, SMTPServerAuthenticationResponse } from 'smtp-server';
import { SMTPConnection, type SMTPConnectionOptions } from 'smtp-server/lib/smtp-connection.js';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import type { LogFields } from '../../shared/ports/log.ts';
import { type SmtpReply, smtpReplyOf } from '../../shared/protocol/smtp-reply.ts';
import { firstBytes, offeredVersion } from './client-hello.ts';
import { type FailedHandshake, SILENT } from './handshake-failure.ts';
import type { SmtpLimits, SmtpPort } from './options.ts';
import { protocolReply, replyFor } from './replies.ts';
import type { Client, SignIn, TlsInUse } from './sign-in.ts';
import type { Visit } from './visits.ts';

/** What all sessions of a listener share. */
export interface SessionSetting {
  readonly port: SmtpPort;
  readonly signIn: SignIn;
  readonly limits: () => SmtpLimits;
  readonly nowMs: () => number;
  readonly isClosing: () => boolean;
  readonly tlsFailed: (failure: FailedHandshake) => void;
  readonly notSignedIn: (fields: LogFields) => void;
  /** Something was thrown: a bug. */
  readonly failed: (error: unknown) => SmtpReply;
}

/** A device has one password: who has had so many wrong ones on one connection is guessing. */
const TRIES = 5;

type Done = () => void;

/** smtp-server has one string of code and text where we have two. */
export const textOf = ({ enhancedCode, text }: SmtpReply): string => `${enhancedCode} ${text}`;

/** One session: smtp-server's, which parses, with our replies, and our rules of who may do what. */
export class Session extends SMTPConnection {
  readonly #setting: SessionSetting;
  readonly #visit: Visit;
  readonly #signInTimer: NodeJS.Timeout;
  #wrongTries = 0;
  #isSignedInByAddress = false;
  /** For the log at the end: what became of it. */
  #story: 'silent' | 'spoke' | 'wanted_to_send' | 'told' = 'silent';
  #offered: string | undefined;
  #hasTlsFailed = false;
  #tls: TlsInUse | undefined;

  constructor(
    server: SMTPServer,
    socket: Socket,
    options: SMTPConnectionOptions,
    setting: SessionSetting,
    visit: Visit,
  ) {
    super(server, socket, options);
    this.#setting = setting;
    this.#visit = visit;
    if (socket instanceof TLSSocket) {
      this.session.secure = this.secure = true;
      this.tlsOptions = socket.getCipher();
    }
    visit.cut = () => this._socket.destroy();
    this.#signInTimer = setTimeout(() => this.#endUnlessSignedIn(), this.#remainingMs).unref();
  }

  /** Until the sign-in must be done. */
  get #remainingMs(): number {
    const elapsedMs = this.#setting.nowMs() - this.#visit.startedAtMs;
    return Math.max(0, this.#setting.limits().signInSeconds * 1000 - elapsedMs);
  }

  /** Who has signed in. */
  get device(): ServedDevice | undefined {
    const user: ServedDevice | false | undefined = this.session.user;
    return user || undefined;
  }

  /** The library waits a tenth of a second for spammers who talk too soon; old devices are no spammers. */
  override init(): void {
    this._setListeners(() => this.connectionReady());
  }

  say(reply: SmtpReply): void {
    this.send(reply.code, textOf(reply));
  }

  /** With codes and words of ours (`replies.ts`). */
  override send(code: number, data?: string | string[] | null, context?: string | false): void {
    if (Array.isArray(data)) super.send(code, this.#offer(data), false);
    // RFC 2034 section 4: neither 3xx, nor the greeting, nor the answer to HELO, which are a name.
    else if (Math.trunc(code / 100) === 3 || (context === false && code < 300)) super.send(code, data, false);
    else this.#sendOurs(code, replyFor(code, data ?? '', context));
    if (this.#setting.isClosing()) setImmediate(() => this.leave());
  }

  #sendOurs(code: number, ours: SmtpReply): void {
    const isKeptFromPassword = ours.code === 530 && !this.#mayPresentPassword;
    const reply = isKeptFromPassword ? protocolReply('encryptFirst') : ours;
    super.send(reply.code, textOf(reply), false);
    // The library closes after 421, and ours may be another code.
    if (code === 421 && reply.code !== 421) this.close();
  }

  /** The answer to EHLO. Who is known by address alone may still sign in; RFC 4954 section 3 wants no offer that is refused. */
  #offer(lines: readonly string[]): string[] {
    const isOffered = this.#mayPresentPassword && (this.device === undefined || this.#isSignedInByAddress);
    return [
      ...lines.filter((line) => !/^AUTH\b/.test(line)),
      ...(isOffered ? ['AUTH PLAIN LOGIN'] : []),
      `SIZE ${this.#setting.limits().sizeBytes}`,
    ];
  }

  get #mayPresentPassword(): boolean {
    return this.secure || this.#setting.port.cleartextSignIn;
  }

  get #client(): Client {
    return { address: this.#visit.address, tls: this.#tls };
  }

  /** Once a handshake is over, while the socket knows. The session begins anew (RFC 3207 section 4.2). */
  noteTls(socket: Socket): TlsInUse {
    this.#story = 'silent';
    const isTls = socket instanceof TLSSocket;
    this.#tls = isTls
      ? { version: socket.getProtocol() ?? 'unknown', cipher: socket.getCipher().name }
      : { version: 'unknown', cipher: 'unknown' };
    return this.#tls;
  }

  /** The library refuses MAIL of whoever has not signed in; before that, here, the address is looked up. */
  override _onCommand(command: Buffer, done?: Done): void {
    if (this.#story === 'silent') this.#story = 'spoke';
    const isMail = /^mail(?: |$)/i.test(command.toString('latin1'));
    const isLookedUp = isMail && !this._nextHandler && !this._upgrading && this.hostNameAppearsAs && !this.device;
    if (!isLookedUp) {
      super._onCommand(command, done);
      return;
    }
    this._handlerPending = true;
    const goOn = (refused: SmtpReply | undefined): void => {
      this._handlerPending = false;
      if (refused === undefined) super._onCommand(command, done);
      else {
        this.say(refused);
        done?.();
      }
    };
    void this.#signInByAddress().then(goOn, (error: unknown) => goOn(this.#setting.failed(error)));
  }

  async #signInByAddress(): Promise<SmtpReply | undefined> {
    const result = await this.#setting.signIn.byAddress(this.#client);
    if (result === undefined) {
      if (this.#story === 'spoke') this.#story = 'wanted_to_send';
      return undefined;
    }
    this.#story = 'told';
    if (!result.ok) return result.error;
    this.#isSignedInByAddress = true;
    this.session.user = result.value;
    return undefined;
  }

  override handler_AUTH(command: Buffer, done: Done): void {
    // RFC 4954 section 4: what one device has begun another must not end.
    const isInMail = this.session.envelope.mailFrom !== false;
    if (this.#mayPresentPassword && !isInMail) {
      // A name and a password count for more than an address.
      if (this.#isSignedInByAddress) this.session.user = false;
      super.handler_AUTH(command, done);
    } else {
      this.#story = 'told';
      this.say(protocolReply(isInMail ? 'signInDuringMail' : 'encryptionNeeded'));
      done();
    }
  }

  /** The library's parser of the two mechanisms ends here. */
  async authenticate({ username, password }: SMTPServerAuthentication): Promise<SMTPServerAuthenticationResponse> {
    this.#story = 'told';
    const result = await this.#setting.signIn.byPassword(this.#client, username ?? '', password ?? '');
    if (result.ok) {
      this.#isSignedInByAddress = false;
      return { user: result.value };
    }
    this.#wrongTries += result.error.kind === 'invalid_client' ? 1 : 0;
    const reply = this.#wrongTries >= TRIES ? protocolReply('tooManyTries') : smtpReplyOf(result.error, 'en');
    return { responseCode: reply.code, message: textOf(reply) };
  }

  #endUnlessSignedIn(): void {
    if (this.device !== undefined) return;
    // It is us who owe an answer.
    if (this._handlerPending) this.#signInTimer.refresh();
    else if (this._upgrading) {
      this.#tlsFailed({});
      this._socket.destroy();
    } else this.say(protocolReply('signInTooSlow'));
  }

  /** Old firmware leaves out the angle brackets, or puts blanks where none belong. */
  override _parseAddressCommand(name: string, command: Buffer | string) {
    const text = command
      .toString()
      .replace(/^(\S+)\s+([^\s:]+)\s*:\s*/, '$1 $2:')
      .replace(/^([^:]*:)([^<\s]\S*)/, '$1<$2>');
    return super._parseAddressCommand(name, text);
  }

  /** Looks at the hello on its way to TLS, to know what a device offered whom the handshake fails for (R31). */
  override upgrade(done: Done, secured?: Done): void {
    const socket = this._socket;
    if (this._parser) socket.unpipe(this._parser);
    // From here on nothing is answered in clear text.
    this._upgrading = true;
    void firstBytes(socket, this.#remainingMs).then((bytes) => {
      if (bytes instanceof Buffer && !socket.destroyed) {
        this.#offered = offeredVersion(bytes);
        super.upgrade(done, secured);
      } else {
        if (bytes === 'silence') this.#tlsFailed({ reason: SILENT });
        socket.destroy();
      }
    });
  }

  override _onError(error: Error & { code?: string; remoteAddress?: string }): void {
    if (this._upgrading || error.code?.startsWith('ERR_SSL_')) this.#tlsFailed({ error });
    else super._onError(error);
  }

  /** OpenSSL's error comes by two events. */
  #tlsFailed(how: Pick<FailedHandshake, 'error' | 'reason'>): void {
    if (this.#hasTlsFailed) return;
    this.#hasTlsFailed = true;
    this.#story = 'told';
    this.#setting.tlsFailed({ address: this.#visit.address, offered: this.#offered, ...how });
  }

  /** The gateway is to stop: as soon as this session waits for its client, it ends. */
  leave(): void {
    if (this._closing || this._closed || this._dataStream || this._handlerPending) return;
    if (this._upgrading) this._socket.destroy();
    else this.say(protocolReply('closing'));
  }

  override _onClose(): void {
    if (!this._closed) this.#tellStory();
    super._onClose();
    clearTimeout(this.#signInTimer);
    this.#visit.end();
  }

  /** Who only looks whether the port is open is no story. */
  #tellStory(): void {
    // Not every client says so where it does not trust a certificate: it goes, once it has seen it.
    const isLeftInHandshake = this._upgrading && !this.#setting.isClosing();
    if (isLeftInHandshake || (this.#story === 'silent' && this.#tls !== undefined)) this.#tlsFailed({});
    // A device that never signs in is set up without a password (facts, pain 15).
    else if (this.#story === 'spoke' || this.#story === 'wanted_to_send') {
      this.#setting.notSignedIn({
        address: this.#visit.address,
        tls: this.#tls?.version ?? 'none',
        wanted_to_send: this.#story === 'wanted_to_send',
      });
    }
  }
}
