import { join } from 'node:path';
import { filesystemBlobStore } from '../../shared/adapters/filesystem/filesystem-blob-store.ts';
import type { ServedMailbox } from '../../shared/domain/gateway.ts';
import { hasReachedAll } from '../../shared/domain/retention.ts';
import { isOver, SUBMISSIONS_PREFIX, type Submission } from '../../shared/domain/submission.ts';
import type { BlobStore } from '../../shared/ports/blob-store.ts';
import { type Clock, epochSeconds } from '../../shared/ports/clock.ts';
import type { Log } from '../../shared/ports/log.ts';
import type { OutboxStore } from '../../shared/usecases/mail/send-outbox.ts';
import type { SpoolEntry } from './entry.ts';
import { type GatewayOutboxes, openOutboxes } from './outboxes.ts';
import { type SpoolFiles, spoolFiles } from './spool-files.ts';

/** Who wants to know of what happens in the spool. */
export interface SpoolWatcher {
  /** There is one more message to be sent for this mailbox. */
  readonly added: (mailboxId: string) => void;
  readonly changed: (entry: SpoolEntry) => void;
}

export interface Spool extends OutboxStore {
  readonly blobs: Pick<BlobStore, 'open' | 'delete'>;
  readonly outboxes: GatewayOutboxes;
  watch(watcher: SpoolWatcher): void;
  /** Where a message's content is to be written before it is added. */
  contentPath(id: string): string;
  /** The message has been accepted once this resolves. `content`: when its content is durable, but for the name. */
  add(submission: Submission, mailbox: ServedMailbox, content?: Promise<void>): Promise<void>;
  /** Oldest first. */
  entries(): readonly SpoolEntry[];
  entry(id: string): SpoolEntry | undefined;
  size(): number;
  /** Of the message itself; 0 where it is not there any more. */
  contentBytes(id: string): number;
  /** What the contents take, in bytes. */
  usedBytes(): number;
  /** Entry and content, as if they had never been. */
  forget(id: string): Promise<void>;
}

/** Below the data folder; the name that `blobKeyOf` gives. */
const folderOf = (folder: string): string => join(folder, SUBMISSIONS_PREFIX);

/**
 * A worker that had it in hand is dead: what its claim was for is found out at the next look. Where a repeat is known by its id,
 * nothing needs to be found out.
 */
const abandoned = (entry: SpoolEntry, now: number, areRepeatsKnown: boolean): SpoolEntry => {
  const { submission } = entry;
  if (submission.status.state !== 'sending') return entry;
  const status = areRepeatsKnown ? ({ state: 'queued' } as const) : ({ state: 'sending', until: now } as const);
  return { ...entry, submission: { ...submission, status } };
};

export interface SpoolOptions {
  readonly folder: string;
  /** What is handed over twice arrives once. Unless said so it may arrive twice. */
  readonly areRepeatsKnown?: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * The mail that a gateway has accepted, on disk, and in memory what is known of it. The folder belongs to this process. It is
 * the store that `makeSendOutbox` works on.
 */
export const openSpool = async ({ folder, areRepeatsKnown = false, clock, log }: SpoolOptions): Promise<Spool> => {
  const files: SpoolFiles = await spoolFiles(folderOf(folder), log);
  const stored = filesystemBlobStore(folder);
  const entries = new Map<string, SpoolEntry>();
  const contents = new Map<string, number>();
  const mailboxes = new Map<string, ServedMailbox>();
  let watcher: SpoolWatcher = { added: () => undefined, changed: () => undefined };
  const outboxes = await openOutboxes(join(folder, 'outboxes'), entries);

  const keep = (entry: SpoolEntry): void => {
    entries.set(entry.submission.id, entry);
    outboxes.note(entry.submission);
  };

  for (const { entry, contentBytes } of await files.read()) {
    const { submission, mailbox } = entry;
    keep(abandoned(entry, epochSeconds(clock), areRepeatsKnown));
    mailboxes.set(mailbox.id, mailbox);
    // Between its last word and the removal of its content the process may have ended.
    if (hasReachedAll(submission)) await files.removeContent(submission.id);
    else contents.set(submission.id, contentBytes);
  }
  if (entries.size > 0) log.info('spool.recovered', { messages: entries.size });

  const change = async (before: SpoolEntry, entry: SpoolEntry): Promise<void> => {
    // First here, so that nobody else changes what is being written.
    keep(entry);
    try {
      await files.write(entry);
    } catch (error) {
      // What became of a try stands, on disk or not: back at its claim, what has arrived would be sent once more.
      const isOutcome = before.submission.status.state === 'sending';
      if (!isOutcome) {
        // Unless somebody has changed or forgotten it since.
        if (entries.get(entry.submission.id) === entry) keep(before);
        throw error;
      }
      log.error('spool.not_written', { submission_id: entry.submission.id, error: String(error) });
    }
    watcher.changed(entry);
  };

  const drop = (id: string): void => {
    const entry = entries.get(id);
    entries.delete(id);
    contents.delete(id);
    if (entry) outboxes.drop(entry.submission);
  };

  return {
    outboxes,
    watch: (one) => {
      watcher = one;
    },
    contentPath: files.contentPath,

    async add(submission, mailbox, content) {
      const entry = { submission, mailbox, revision: 1 };
      await files.write(entry, content);
      contents.set(submission.id, submission.sizeBytes);
      keep(entry);
      // What changes of an older message says nothing newer of the mailbox.
      mailboxes.set(mailbox.id, mailbox);
      outboxes.grow(mailbox.id);
      watcher.changed(entry);
      watcher.added(mailbox.id);
    },

    entries: () => [...entries.values()],
    entry: (id) => entries.get(id),
    size: () => entries.size,
    contentBytes: (id) => contents.get(id) ?? 0,
    usedBytes: () => [...contents.values()].reduce((sum, bytes) => sum + bytes, 0),

    async forget(id) {
      drop(id);
      await files.remove(id);
    },

    submissions: {
      get: async (id) => entries.get(id),
      async replace({ submission: { id }, revision }, after) {
        const before = entries.get(id);
        if (before?.revision !== revision) return false;
        await change(before, { ...before, submission: after, revision: revision + 1 });
        if (isOver(before.submission) && !isOver(after)) {
          outboxes.grow(after.mailboxId);
          watcher.added(after.mailboxId);
        }
        return true;
      },
    },

    mailboxes: { get: async (id) => mailboxes.get(id) },

    blobs: {
      open: stored.open,
      async delete(key) {
        await stored.delete(key);
        contents.delete(key.slice(SUBMISSIONS_PREFIX.length).replace(/\.eml$/, ''));
      },
    },
  };
};
