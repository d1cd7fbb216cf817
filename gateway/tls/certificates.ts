import { ConfigError } from '../../shared/config/config-document.ts';
import { fail, ok, type Result } from '../../shared/domain/result.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import { type AuthorityRoot, isInGoodTime, keepLocalCertificate } from './local-certificate.ts';
import { certificateNames } from './names.ts';
import { isKeyOpenToOthers, type OwnFiles, readOwnCertificate } from './own-certificate.ts';
import { type CheckedPair, isExpired, isValid } from './pair.ts';

/** What the listeners prove with who the gateway is. */
export interface ServedCertificate extends CheckedPair {
  /** The root of the local authority, which devices are given to trust; undefined where the certificate is the operator's own. */
  readonly authority: AuthorityRoot | undefined;
}

export interface Certificates {
  current(): ServedCertificate;
  /** Looks at once for a newer one. The listeners have heard of it when this resolves. */
  reload(): Promise<void>;
  /** Calls with each certificate that takes the place of the former. Returns what ends that. */
  onRenewal(listener: (served: ServedCertificate) => void): () => void;
  close(): void;
}

/** So soon an exchanged file is noticed, and a certificate that has come into its last third. */
const LOOK_EVERY_MS = 30_000;

/** Whoever renews by hand needs some days; who renews by program does so earlier (ACME clients: with 30 days left). */
const WARN_SECONDS = 14 * 86_400;

type Look = (served: ServedCertificate | undefined) => Promise<Result<ServedCertificate, string>>;

const lookAtOwn =
  (own: OwnFiles): Look =>
  async () => {
    const found = await readOwnCertificate(own);
    return found.ok ? ok({ ...found.value, authority: undefined }) : found;
  };

const lookAtLocal =
  ({ folder, names, clock, log }: Omit<Circumstances, 'own'>): Look =>
  async (served) => {
    const { authority } = served ?? {};
    if (served && authority && isInGoodTime({ server: served, authority }, epochSeconds(clock))) return ok(served);
    try {
      const kept = await keepLocalCertificate({ folder, names: certificateNames(names), clock, log });
      return ok({ ...kept.server, authority: kept.authority });
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
      if (code === undefined) throw error;
      return fail(`it cannot be kept in ${folder} (${code}); check the folder, and who may write there`);
    }
  };

/** An expired one, or one before its time, takes the place only of one that is no better. */
const better = (served: ServedCertificate, found: ServedCertificate, now: number): ServedCertificate => {
  if (isValid(found, now)) return found;
  if (isValid(served, now)) return served;
  return found.notAfter > served.notAfter ? found : served;
};

interface Circumstances {
  /** Where the local authority and its certificate are kept. */
  readonly folder: string;
  /** The machine's names and addresses, as devices are told them; the first names the local authority. */
  readonly names: readonly string[];
  /** The operator's own certificate. */
  readonly own?: OwnFiles;
  readonly clock: Clock;
  readonly log: Log;
}

const iso = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** The first one. There is nothing else to serve, so what does not fit ends the start, in words. */
const first = async (look: Look, { own, clock, log }: Circumstances): Promise<ServedCertificate> => {
  const found = await look(undefined);
  if (!found.ok) throw new ConfigError(`The gateway's certificate: ${found.error}.`);
  const { value } = found;
  const now = epochSeconds(clock);
  if (isExpired(value, now)) {
    throw new ConfigError(
      `The gateway's certificate (${own?.certificateFile}) expired on ${iso(value.notAfter)}; have it renewed, or remove the setting to use one that the gateway makes.`,
    );
  }
  // Not refused: a machine without a battery for its clock starts years back, and is put right soon after.
  if (!isValid(value, now)) {
    log.warn('certificate.not_valid_yet', { not_before: iso(value.notBefore), remedy: "check this machine's clock" });
  }
  if (own && (await isKeyOpenToOthers(own))) {
    log.warn('certificate.key_open_to_others', { file: own.keyFile, remedy: 'chmod 600' });
  }
  return value;
};

/** Says each thing once, until there is another to say. */
const saidOnce = (log: Log) => {
  let said: string | undefined;
  return (event: string, detail: string | undefined): void => {
    if (detail !== undefined && said !== detail) log.warn(event, { reason: detail });
    said = detail;
  };
};

const warningOf = ({ notAfter, authority }: ServedCertificate, now: number): string | undefined => {
  if (notAfter <= now) return `the certificate expired on ${iso(notAfter)}; have it renewed`;
  const isLate = notAfter - now < WARN_SECONDS;
  if (isLate && authority === undefined) return `the certificate expires on ${iso(notAfter)}; have it renewed`;
  return isLate ? `the gateway's root ends on ${iso(notAfter)}; devices will have to trust a new one` : undefined;
};

/** The operator's own certificate where one is set, else one of a local authority made here. Throws `ConfigError`. */
export const openCertificates = async (circumstances: Circumstances): Promise<Certificates> => {
  const { own, clock, log } = circumstances;
  const look = own === undefined ? lookAtLocal(circumstances) : lookAtOwn(own);
  let served = await first(look, circumstances);
  const listeners = new Set<(served: ServedCertificate) => void>();
  const tellProblem = saidOnce(log);
  const tellWarning = saidOnce(log);

  const tellListeners = (): void => {
    for (const listener of listeners) {
      try {
        listener(served);
      } catch (error) {
        log.error('certificate.not_taken_up', { error: String(error) });
      }
    }
  };

  const lookAgain = async (): Promise<void> => {
    const found = await look(served).catch((error: unknown) => ({ ok: false, error: String(error) }) as const);
    const now = epochSeconds(clock);
    const next = found.ok ? better(served, found.value, now) : served;
    const isKept = found.ok && next.fingerprint !== found.value.fingerprint;
    const outOfTime = isKept
      ? `the certificate found is valid from ${iso(found.value.notBefore)} to ${iso(found.value.notAfter)}`
      : undefined;
    tellProblem('certificate.former_kept', found.ok ? outOfTime : found.error);
    tellWarning('certificate.expires', warningOf(next, now));
    if (next.certificate === served.certificate && next.key === served.key) return;
    served = next;
    log.info('certificate.renewed', { fingerprint: served.fingerprint, not_after: iso(served.notAfter) });
    tellListeners();
  };

  // One look at a time, in order: who asks for one now wants what lies there now.
  let looking = Promise.resolve();
  const reload = (): Promise<void> => {
    looking = looking.then(lookAgain);
    return looking;
  };
  const timer = setInterval(reload, LOOK_EVERY_MS).unref();
  return {
    current: () => served,
    reload,
    onRenewal(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => clearInterval(timer),
  };
};
