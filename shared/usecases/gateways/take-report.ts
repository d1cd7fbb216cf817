import { isDeepStrictEqual } from 'node:util';
import type { Mailbox } from '../../domain/entities.ts';
import type { BrokerError } from '../../domain/errors.ts';
import type { GatewayIdentity, ReportedSubmission } from '../../domain/gateway.ts';
import { holdOf, type Outbox } from '../../domain/outbox.ts';
import { ok, type Result } from '../../domain/result.ts';
import { isOver, type Submission } from '../../domain/submission.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { GatewayReport, ReportAnswer } from '../../ports/gateway-link.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { Records } from '../../records/index.ts';
import { makeReportDelivery } from '../mail/report-delivery.ts';
import { makeServedMailbox } from './served-mailbox.ts';

/** A gateway's reports may meet, as where it repeats one whose answer was lost; seldom twice. */
const WRITE_ATTEMPTS = 5;

/** Reports can come late or twice. What has ended stays so, until a person has it sent again. */
const isNewer = (told: Submission, known: Submission): boolean => {
  const sentAgain = (told.resentAt ?? 0) - (known.resentAt ?? 0);
  if (sentAgain !== 0) return sentAgain > 0;
  if (isOver(known)) return false;
  return isOver(told) || told.attempts >= known.attempts;
};

/** What a gateway tells of its mail, of what keeps it, and of itself (`GatewayLink.report`). Telling it again changes nothing. */
export const makeTakeReport = (dependencies: {
  readonly records: Pick<
    Records,
    'gateways' | 'mailboxes' | 'devices' | 'submissions' | 'outboxes' | 'grants' | 'audit' | 'notices'
  >;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}) => {
  const { records, clock, log } = dependencies;
  const served = makeServedMailbox(dependencies);

  return (gateway: GatewayIdentity) => {
    const { gatewayId } = gateway;
    const delivery = makeReportDelivery({ ...dependencies, gatewayId });

    const ignore = (what: { readonly submission_id?: string; readonly mailbox_id: string }, reason: string): void =>
      log.warn('gateway.report_ignored', { gateway_id: gatewayId, ...what, reason });

    /** Each mailbox is looked up once for a report. */
    const lookUp = () => {
      const found = new Map<string, Promise<Mailbox | undefined>>();
      return (mailboxId: string): Promise<Mailbox | undefined> => {
        const known = found.get(mailboxId);
        if (known) return known;
        const looked = served(gateway, mailboxId).then((result) => (result.ok ? result.value : undefined));
        found.set(mailboxId, looked);
        return looked;
      };
    };

    /** Why it is not one of this gateway's that begins now; undefined: it is. */
    const whyNotNew = async ({ organizationId, clientId }: Submission, mailbox: Mailbox | undefined) => {
      if (mailbox === undefined) return 'its mailbox is not served';
      if (organizationId !== mailbox.organizationId) return 'it is of another organization';
      const device = await records.devices.get(clientId);
      // It may have been removed since it handed the message in.
      return device && device.organizationId !== organizationId ? 'its device is of another organization' : undefined;
    };

    const whyNot = async (told: Submission, known: Submission | undefined, mailboxOf: ReturnType<typeof lookUp>) => {
      if (known === undefined) return whyNotNew(told, await mailboxOf(told.mailboxId));
      if (known.gatewayId !== gatewayId) return 'it is not of this gateway';
      const isSame = known.organizationId === told.organizationId && known.mailboxId === told.mailboxId;
      return isSame ? undefined : 'it was of another mailbox';
    };

    const takeSubmission = async (
      { submission, stop }: ReportedSubmission,
      mailboxOf: ReturnType<typeof lookUp>,
    ): Promise<void> => {
      const { stop: _before, ...told } = submission;
      const after: Submission = { ...told, gatewayId, ...(stop === undefined || isOver(told) ? {} : { stop }) };
      for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
        const record = await records.submissions.get(after.id);
        const known = record?.submission;
        const problem = await whyNot(after, known, mailboxOf);
        if (problem !== undefined) return ignore({ submission_id: after.id, mailbox_id: after.mailboxId }, problem);
        if (known && (!isNewer(after, known) || isDeepStrictEqual(after, known))) return;
        await delivery.foretell(after);
        if (!(await records.submissions.tell(after, record))) continue;
        // A try that has begun, or a message that came in, is no news.
        const isNews = isOver(after) || (after.status.state === 'deferred' && after.attempts !== known?.attempts);
        if (isNews) await delivery.submission(after);
        return;
      }
      throw new Error(`submission ${after.id} was changed by others each time`);
    };

    /** Nobody is told that a mailbox is well again while its mail is held elsewhere. */
    const isHeldElsewhere = async (mailboxId: string, now: number): Promise<boolean> => {
      const [{ outbox }, others] = await Promise.all([
        records.outboxes.get(mailboxId),
        records.gateways.outboxesOf(mailboxId, now),
      ]);
      const elsewhere = [...others].filter(([id]) => id !== gatewayId).map(([, one]) => one);
      return [outbox, ...elsewhere].some((one) => holdOf(one) !== undefined);
    };

    const takeOutbox = async (mailboxId: string, after: Outbox): Promise<void> => {
      const now = epochSeconds(clock);
      const before = await records.gateways.outbox(gatewayId, mailboxId, now);
      const ends = holdOf(before) !== undefined && holdOf(after) === undefined;
      // Before it is written down, so that it is told again should this process die in between.
      if (!(ends && (await isHeldElsewhere(mailboxId, now)))) await delivery.outbox(mailboxId, before, after);
      if (!isDeepStrictEqual(before, after)) await records.gateways.setOutbox(gatewayId, mailboxId, after, now);
    };

    const signedInAt = async (mailboxId: string): Promise<readonly [string, number][]> => {
      const { grant } = await records.grants.get(mailboxId);
      return 'signedInAt' in grant ? [[mailboxId, grant.signedInAt]] : [];
    };

    return async (report: GatewayReport): Promise<Result<ReportAnswer, BrokerError>> => {
      const mailboxOf = lookUp();
      for (const one of report.submissions) await takeSubmission(one, mailboxOf);
      for (const { mailboxId, outbox } of report.outboxes) {
        if (await mailboxOf(mailboxId)) await takeOutbox(mailboxId, outbox);
        else ignore({ mailbox_id: mailboxId }, 'the mailbox is not served');
      }
      await records.gateways.noteState(gateway, report.state, epochSeconds(clock));
      const waiting = [...new Set(report.waiting)];
      const isServed = await Promise.all(waiting.map(mailboxOf));
      const signedIn = await Promise.all(waiting.filter((_, index) => isServed[index] !== undefined).map(signedInAt));
      return ok({ signedInAt: Object.fromEntries(signedIn.flat()) });
    };
  };
};
