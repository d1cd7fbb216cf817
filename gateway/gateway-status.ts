import { access, constants } from 'node:fs/promises';
import { brokerError } from '../shared/domain/errors.ts';
import { resend } from '../shared/domain/resend.ts';
import { fail, ok } from '../shared/domain/result.ts';
import { retentionSeconds } from '../shared/domain/retention.ts';
import { blobKeyOf, concluded, describeSubmission, isOver, type SubmissionState } from '../shared/domain/submission.ts';
import { type Clock, epochSeconds } from '../shared/ports/clock.ts';
import type { Listeners } from './listeners.ts';
import type { MailRoom } from './mail-room.ts';
import type { Recently } from './recently.ts';
import type { GatewaySettings } from './settings.ts';
import type { SpoolEntry } from './spool/entry.ts';
import { freeBytesOf } from './spool/room.ts';
import type { Actions, GatewayStatus, QueueEntry } from './status/status.ts';
import type { Certificates } from './tls/certificates.ts';

export interface GatewayView {
  readonly settings: () => GatewaySettings;
  readonly folder: string;
  readonly mail: MailRoom;
  readonly listeners: Listeners;
  readonly certificates: Certificates;
  readonly lately: Recently;
  readonly brokerUrl: string;
  readonly version: string;
  readonly startedAt: number;
  readonly clock: Clock;
}

/** How the gateway fares, put together from its parts. */
export const gatewayStatus = (view: GatewayView): GatewayStatus => {
  const { settings, folder, mail, listeners, certificates, lately, brokerUrl, version, startedAt } = view;
  const { spool } = mail;

  const describe = ({ submission }: SpoolEntry): QueueEntry =>
    describeSubmission(submission, spool.outboxes.all().get(submission.mailboxId)?.outbox ?? {});

  return {
    about: () => ({ name: settings().name, version, startedAt, way: settings().way, brokerUrl }),
    broker: mail.broker,
    listeners: () =>
      listeners.running().map(({ protocol, host, port, security, profile, isAccepting }) => ({
        name: `${protocol}-${port}`,
        protocol,
        host,
        port,
        security,
        profile: security === 'plain' ? undefined : profile,
        isAccepting,
      })),
    certificate: () => certificates.current(),
    totals() {
      const messages: Partial<Record<SubmissionState, number>> = {};
      for (const entry of spool.entries()) {
        const { state } = describe(entry);
        messages[state] = (messages[state] ?? 0) + 1;
      }
      const waiting = spool.entries().flatMap(({ submission }) => (isOver(submission) ? [] : [submission.acceptedAt]));
      const oldestAcceptedAt = waiting.length === 0 ? undefined : Math.min(...waiting);
      return { messages, bytes: spool.usedBytes(), oldestAcceptedAt };
    },
    queue: (limit) =>
      spool
        .entries()
        .filter(({ submission }) => submission.status.state !== 'sent')
        .slice(0, limit)
        .map(describe),
    errors: lately.errors,
    devices: lately.devices,
    async spool() {
      try {
        await access(folder, constants.W_OK);
        return { isWritable: true, freeBytes: await freeBytesOf(folder) };
      } catch (error) {
        const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
        return { isWritable: false, freeBytes: 0, reason };
      }
    },
  };
};

/** What an administrator does at the status page. */
export const gatewayActions = ({
  settings,
  mail,
  clock,
}: Pick<GatewayView, 'settings' | 'mail' | 'clock'>): Actions => {
  const { spool } = mail;
  const isBusy = (entry: SpoolEntry): boolean => entry.submission.status.state === 'sending';
  const busy = () => fail(brokerError('conflict', 'The message is just being sent.'));
  const unknown = () => fail(brokerError('not_found'));

  return {
    async resend(id) {
      const entry = spool.entry(id);
      if (entry === undefined) return unknown();
      const now = epochSeconds(clock);
      const again = resend(entry.submission, true, retentionSeconds(settings().retention_days), now);
      if (again.how === 'not') return fail(brokerError('conflict', 'The message cannot be sent again.'));
      if (!(await spool.submissions.replace(entry, again.submission, now))) return busy();
      await mail.tryNow(entry.mailbox.id);
      return ok(undefined);
    },

    async remove(id) {
      const entry = spool.entry(id);
      if (entry === undefined) return unknown();
      const { submission } = entry;
      if (isBusy(entry)) return busy();
      if (!isOver(submission)) {
        // The broker, which has it in its list, must hear of its end; then it goes.
        const removed = { ...submission, lastResponse: 'It was removed at the gateway by its administrator.' };
        const now = epochSeconds(clock);
        if (!(await spool.submissions.replace(entry, concluded(removed, 'held_too_long', now), now))) return busy();
      }
      await spool.blobs.delete(blobKeyOf(id));
      await mail.report();
      return ok(undefined);
    },

    async tryNow(mailboxId) {
      if (!spool.outboxes.all().has(mailboxId)) return unknown();
      const now = epochSeconds(clock);
      for (const entry of spool.entries()) {
        const { submission } = entry;
        if (submission.mailboxId !== mailboxId || submission.status.state !== 'deferred') continue;
        // What somebody else has changed meanwhile is being seen to.
        await spool.submissions.replace(entry, { ...submission, status: { state: 'queued' } }, now);
      }
      await mail.tryNow(mailboxId);
      return ok(undefined);
    },
  };
};
