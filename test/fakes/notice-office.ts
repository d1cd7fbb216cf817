import { reconnectRoutes } from '../../functions/sign-in/reconnect.ts';
import { brokerApp } from '../../shared/adapters/http/app.ts';
import { openDatabase } from '../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../shared/adapters/sqlite/sqlite-table.ts';
import { sqliteWorkQueue } from '../../shared/adapters/sqlite/sqlite-work-queue.ts';
import type { Mailbox } from '../../shared/domain/entities.ts';
import type { Grant } from '../../shared/domain/grant.ts';
import type { Notice } from '../../shared/domain/notice.ts';
import type { NotificationSettings } from '../../shared/domain/notification-settings.ts';
import { blobKeyOf, type SubmissionStatus } from '../../shared/domain/submission.ts';
import { epochSeconds } from '../../shared/ports/clock.ts';
import type { Table } from '../../shared/ports/table.ts';
import type { WebhookOutcome, WebhookPost } from '../../shared/ports/webhook-sender.ts';
import { noticeWording } from '../../shared/protocol/notice-mail.ts';
import { brokerRecords } from '../../shared/records/index.ts';
import { makeNotices } from '../../shared/usecases/notices/raise-notice.ts';
import type { Reconnect } from '../../shared/usecases/notices/reconnect.ts';
import { makeSweepNotices } from '../../shared/usecases/notices/sweep-notices.ts';
import type { Fuse } from './fuse.ts';
import { manualClock } from './manual-clock.ts';
import { memoryBlobStore } from './memory-blob-store.ts';
import { memoryKeyRing } from './memory-key-ring.ts';
import { memoryLog } from './memory-log.ts';
import { seededRandom } from './seeded-random.ts';

export const PUBLIC_URL = 'https://broker.example';
export const RECEIVER = 'https://receiver.example/hook';
export const ADMINISTRATOR = 'it@contoso.example';

/** `whsec_` and 32 bytes, made up. */
const WEBHOOK_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

/** The body of a post, as JSON. */
export interface Told {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface NoticeOfficeOptions {
  readonly operatorMailboxId?: string;
}

/** One organization and all that tells its people: over memory, with a clock that stands still. */
export const noticeOffice = async ({ operatorMailboxId }: NoticeOfficeOptions = {}) => {
  const clock = manualClock();
  const random = seededRandom('notices');
  const log = memoryLog();
  const database = openDatabase(':memory:');
  const table = sqliteTable(database);
  const blobs = memoryBlobStore();
  const limits = { name: 'mail', fifo: true, visibilitySeconds: 900, maxReceives: 100, clock };
  const queue = sqliteWorkQueue(database, limits);
  const rings = [memoryKeyRing('access'), memoryKeyRing('webhook')] as const;
  const recordsOver = (one: Table) => brokerRecords(one, rings[0], clock, random, { webhookKeys: rings[1] });
  const records = recordsOver(table);
  const posts: WebhookPost[] = [];
  /** What the receiver answers; `hang` is told once somebody waits for it. */
  const receiver: { answer: (post: WebhookPost) => Promise<WebhookOutcome> | WebhookOutcome } = {
    answer: () => ({ outcome: 'delivered' }),
  };
  const webhooks = {
    post: async (post: WebhookPost): Promise<WebhookOutcome> => {
      posts.push(post);
      return receiver.answer(post);
    },
  };

  /** A worker of its own over the same data; `fuse` may end it. */
  const worker = (fuse?: Fuse) => {
    const over = fuse?.table(table) ?? table;
    const stores = { blobs: fuse?.blobs(blobs) ?? blobs, queue: fuse?.queue(queue) ?? queue };
    const common = { table: over, records: recordsOver(over), ...stores, webhooks, wording: noticeWording };
    return makeSweepNotices({ ...common, operatorMailboxId, publicUrl: PUBLIC_URL, clock, random, log });
  };

  /** Who raises notices and settles them, in a process that `fuse` may end. */
  const bookOf = (fuse?: Fuse) =>
    makeNotices({ records: recordsOver(fuse?.table(table) ?? table), clock, random, log });

  const organizationId = 'org_contoso';
  await records.organizations.create({
    ...{ id: organizationId, name: 'Contoso', locale: 'en', enabled: true, createdAt: epochSeconds(clock) },
  });

  const settle = async (settings: Partial<NotificationSettings>, scope: string = organizationId) => {
    const known = await records.notificationSettings.get(scope);
    await records.notificationSettings.replace(scope, known, { ...known.settings, ...settings });
  };

  const setGrant = async (mailbox: Mailbox, grant: Grant): Promise<void> => {
    const lease = await records.grants.takeLease(
      mailbox.id,
      `test-${random.fraction()}`,
      'change',
      epochSeconds(clock),
    );
    if (lease === undefined) throw new Error('the lease is taken');
    const { revision } = await records.grants.get(mailbox.id);
    await records.grants.replaceAndRelease(mailbox.id, lease, revision, grant, undefined);
  };

  const heldGrant = ({ provider, address }: Mailbox) => {
    const now = epochSeconds(clock);
    return {
      ...{ provider, account: { subject: address, addresses: [address] }, scopes: ['SMTP.Send'] },
      ...{ signedInAt: now, generation: 1, failures: 0, refreshTokenStoredAt: now },
    };
  };

  const signedIn = (mailbox: Mailbox): Promise<void> =>
    setGrant(mailbox, { ...heldGrant(mailbox), state: 'active', provenAt: epochSeconds(clock) });

  const lapsed = (mailbox: Mailbox): Promise<void> =>
    setGrant(mailbox, {
      ...heldGrant(mailbox),
      ...{ state: 'invalid', invalidSince: epochSeconds(clock), reason: 'sign_in_lapsed' },
    });

  const addMailbox = async (name: string, organization = organizationId): Promise<Mailbox> => {
    const mailbox: Mailbox = {
      ...{ id: `mbx_${name}`, organizationId: organization, provider: 'microsoft', aliases: [] },
      ...{ address: `${name}@contoso.example`, createdAt: epochSeconds(clock) },
    };
    await records.mailboxes.create(mailbox);
    await signedIn(mailbox);
    return mailbox;
  };

  const hold = async (mailbox: Mailbox, reason: 'smtp_switched_off' | undefined): Promise<void> => {
    const known = await records.outboxes.get(mailbox.id);
    const now = epochSeconds(clock);
    const stop = {
      cause: 'hold',
      since: now,
      until: now + 3600,
      reason: 'smtp_switched_off',
      response: '535',
    } as const;
    await records.outboxes.replace(mailbox.id, known, reason === undefined ? {} : { stop }, undefined);
  };

  const aboutMailbox = ({ id, organizationId: of, address }: Mailbox) => ({
    ...{ subject: id, mailboxId: id, organizationId: of, address },
  });
  const invalid = (mailbox: Mailbox): Notice => ({
    ...{ kind: 'grant.invalid', ...aboutMailbox(mailbox), reason: 'sign_in_lapsed' },
    ...{ detail: 'The refresh token has expired.', code: 'AADSTS700082' },
  });
  const held = (mailbox: Mailbox): Notice => ({
    ...{ kind: 'mailbox.held', ...aboutMailbox(mailbox), reason: 'smtp_switched_off' },
  });
  const expiring = (mailbox: Mailbox, daysLeft: number): Notice => ({
    ...{ kind: 'grant.expiring', ...aboutMailbox(mailbox), daysLeft },
  });

  /** The mails that were put into outboxes, each as its text. */
  const mails = async () => {
    const found = [];
    for (const { submission } of await records.submissions.getMany(idsOf(blobs.keys()))) {
      const raw = blobs.text(blobKeyOf(submission.id)) ?? '';
      const [head = '', body = ''] = raw.split('\r\n\r\n');
      const text = Buffer.from(body, 'base64').toString('utf8');
      found.push({ submission, head, text, subject: subjectIn(head) });
    }
    return found;
  };

  const endSubmission = async (id: string, status: SubmissionStatus): Promise<void> => {
    const record = await records.submissions.get(id);
    if (record === undefined) throw new Error(`no submission ${id}`);
    await records.submissions.replace(record, { ...record.submission, status }, epochSeconds(clock));
  };

  return {
    ...{
      clock,
      random,
      log,
      webhookKeys: rings[1],
      database,
      table,
      blobs,
      queue,
      records,
      posts,
      receiver,
      worker,
      organizationId,
    },
    ...{ settle, setGrant, signedIn, lapsed, addMailbox, hold, invalid, held, expiring, mails, endSubmission },
    bookOf,
    notices: bookOf(),
    sweep: worker(),
    told: (): readonly Told[] => posts.map(({ body }) => JSON.parse(body) as Told),
    now: (): number => epochSeconds(clock),
    advance: (seconds: number): Promise<void> => clock.advance(seconds * 1000),
    /** By webhook and by mail. */
    async wanted(): Promise<void> {
      const sealedSecret = await records.notificationSettings.sealSecret(organizationId, WEBHOOK_SECRET);
      await settle({ webhook: { url: RECEIVER, sealedSecret }, emails: [ADMINISTRATOR] });
    },
  };
};

export type NoticeOffice = Awaited<ReturnType<typeof noticeOffice>>;

const idsOf = (keys: readonly string[]): readonly string[] =>
  keys.map((key) => key.replace(/^submissions\//, '').replace(/\.eml$/, '')).sort();

/** RFC 2047, as far as the broker writes it. */
const subjectIn = (head: string): string => {
  const [, folded = ''] = /^Subject: (.*(?:\r\n .*)*)/m.exec(head) ?? [];
  return folded
    .replaceAll('\r\n ', '')
    .replace(/=\?utf-8\?B\?([^?]*)\?=/g, (_, word) => Buffer.from(word, 'base64').toString('utf8'));
};

/** The pages behind the links, without the rest of the sign-in. */
export const makeSignInApp = ({ log, random }: NoticeOffice, reconnect: Reconnect) => {
  const app = brokerApp({ errorShape: 'problem', log, random });
  reconnectRoutes(app, { reconnect });
  return app;
};
