import { mimeMessageFormat } from '../shared/adapters/mime/mime-message-format.ts';
import type { GatewayWay } from '../shared/domain/gateway.ts';
import type { MailServer } from '../shared/domain/provider.ts';
import { retentionSeconds } from '../shared/domain/retention.ts';
import { type Clock, epochSeconds } from '../shared/ports/clock.ts';
import type { GatewayLink } from '../shared/ports/gateway-link.ts';
import type { Log } from '../shared/ports/log.ts';
import type { Random } from '../shared/ports/random.ts';
import type { OpenCourier } from '../shared/usecases/mail/courier.ts';
import { makeSendOutbox, type OpenPace } from '../shared/usecases/mail/send-outbox.ts';
import { newId } from '../shared/usecases/secrets.ts';
import { startDelivery } from './delivery/delivery.ts';
import { directCourier } from './delivery/direct-courier.ts';
import { relayCourier } from './delivery/relay-courier.ts';
import { makeReportHome } from './delivery/report-home.ts';
import { makeSharedPace, openPace } from './delivery/shared-pace.ts';
import { tellDelivery } from './delivery/tell-delivery.ts';
import type { GatewayMetrics } from './metrics.ts';
import type { ConnectTo } from './proxy/connect-through.ts';
import type { GatewaySettings } from './settings.ts';
import { makeMailRate } from './spool/mail-rate.ts';
import { makeIntake } from './spool/make-intake.ts';
import { openSpool } from './spool/spool.ts';

/** So often the broker hears from a gateway, and the gateway finds out whether the broker is there. */
const REPORT_EVERY_MS = 30_000;

/** What happens together is told together. */
const GATHER_MS = 1_000;

export interface MailRoomOptions {
  readonly settings: () => GatewaySettings;
  readonly folder: string;
  readonly link: GatewayLink;
  readonly token: GatewayLink['token'];
  readonly ca: (server: MailServer) => string | undefined;
  readonly connect: ConnectTo;
  readonly metrics: GatewayMetrics;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** A way out: who carries, and at which pace. */
interface WayOut {
  readonly openCourier: OpenCourier;
  readonly openPace: OpenPace;
}

/** Mail on its way through the gateway: taken in, kept, sent, and told of. */
export const openMailRoom = async (options: MailRoomOptions) => {
  const { settings, folder, link, token, ca, connect, metrics, version, clock, random, log } = options;
  const way = (): GatewayWay => settings().way;
  // The relay knows a message by its id.
  const spool = await openSpool({ folder, areRepeatsKnown: way() === 'relay', clock, log });
  const { blobs } = spool;

  /** Tokens of a mailbox that this gateway may use no more are forgotten: asked for again, the broker tells why. */
  const pace: GatewayLink['pace'] = async (step) => {
    const answer = await link.pace(step);
    if (!answer.ok && answer.error.kind !== 'broker_unreachable') {
      const { mailboxId } = step;
      const anew = { mailboxId, minTtlSeconds: Number.MAX_SAFE_INTEGER };
      await Promise.all([token({ ...anew, audience: 'smtp' }), token({ ...anew, audience: 'api' })]);
    }
    return answer;
  };

  const waysOut: Readonly<Record<GatewayWay, WayOut>> = {
    direct: {
      openCourier: directCourier({ token, blobs, clock, ca, connect }),
      openPace: makeSharedPace({ link: { pace }, owner: newId('run', random), clock }),
    },
    relay: { openCourier: relayCourier({ link, blobs }), openPace },
  };
  let isStopping = false;
  /** After the message in hand none is begun any more: cut off on its way it might go out twice. */
  const untilStopped =
    (open: OpenPace): OpenPace =>
    (mailboxId, limits) => {
      const opened = open(mailboxId, limits);
      return {
        ...opened,
        permit: () => (isStopping ? Promise.resolve({ granted: false, why: 'busy', waitMs: 0 }) : opened.permit()),
      };
    };
  const sendOutbox = makeSendOutbox({
    records: spool,
    blobs,
    openCourier: (mailbox) => waysOut[way()].openCourier(mailbox),
    openPace: untilStopped((mailboxId, limits) => waysOut[way()].openPace(mailboxId, limits)),
    report: tellDelivery({ log, metrics, way, clock }),
    clock,
    random,
    log,
  });
  const delivery = startDelivery({ spool, sendOutbox, clock, log });
  const home = makeReportHome({
    spool,
    link,
    way,
    wake: delivery.wake,
    retention: () => retentionSeconds(settings().retention_days),
    mayKeep: () => ({ messages: settings().limits.spool_messages / 2, bytes: settings().limits.spool_bytes / 2 }),
    version,
    startedAt: epochSeconds(clock),
    clock,
    log,
  });

  const report = (): void => {
    home.report().catch((error: unknown) => log.error('report.failed', { error: String(error) }));
  };
  let gathering: NodeJS.Timeout | undefined;
  const reportSoon = (): void => {
    gathering ??= setTimeout(() => {
      gathering = undefined;
      report();
    }, GATHER_MS);
  };
  spool.watch({ added: delivery.added, changed: reportSoon });
  report();
  const regularly = setInterval(report, REPORT_EVERY_MS);

  const limits = () => {
    const { spool_bytes: spoolBytes, spool_messages: spoolMessages, free_bytes: freeBytes } = settings().limits;
    return { spoolBytes, spoolMessages, freeBytes };
  };
  const mayHandIn = makeMailRate({ clock, messagesPerMinute: () => settings().limits.messages_per_minute });
  return {
    spool,
    intake: await makeIntake({
      spool,
      folder,
      limits,
      mayHandIn,
      messageFormat: mimeMessageFormat,
      clock,
      random,
      log,
    }),
    wake: delivery.wake,
    tryNow: home.tryNow,
    broker: home.broker,
    report: home.report,
    /** What a setting stood in the way of, now that it may have been changed. */
    async tryMended(): Promise<void> {
      for (const [mailboxId, { outbox }] of spool.outboxes.all()) {
        if (outbox.stop?.reason === 'mail_server_misconfigured') await home.tryNow(mailboxId);
      }
    },

    /** What is in hand ends; all else waits for the next start. */
    beginNoMore(): void {
      isStopping = true;
    },

    /** What is in hand ends, and the broker hears of it if it is there. */
    async stop(): Promise<void> {
      isStopping = true;
      clearInterval(regularly);
      await delivery.stop();
      clearTimeout(gathering);
      await home.report();
    },
  };
};

export type MailRoom = Awaited<ReturnType<typeof openMailRoom>>;
