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
  /** Something of this mailbox can be sent. */
  readonly wake: (mailboxId: string) => void;
  readonly changed: (entry: SpoolEntry) => void;
}

export interface Spool extends OutboxStore {
  readonly blobs: Pick<BlobStore, 'open' | 'delete'>;
  readonly outboxes: GatewayOutboxes;
  watch(watcher: SpoolWatcher): void;
  /** Where a message's content is to be written before it is added. */
  contentPath(id: string): string;
  /** The message has been accepted once this resolves. Its content is durable already, but for the name. */
  add(submission: Submission, mailbox: ServedMailbox): Promise<void>;
  /** Oldest first. */
  entries(): readonly SpoolEntry[];
  entry(id: string): SpoolEntry | undefined;
  size(): number;
  /** What the contents take, in bytes. */
  usedBytes(): number;
  /** Entry and content, as if they had never been. */
  forget(id: string): Promise<void>;
}

/** Below the data folder; the name that `blobKeyOf` gives. */
const folderOf = (folder: string): string => join(folder, SUBMISSIONS_PREFIX);

/** A worker that had it in hand is dead: what its claim was for is found out at the next look. */
const abandoned = (entry: SpoolEntry, now: number): SpoolEntry => {
  const { submission } = entry;
  if (submission.status.state !== 'sending') return entry;
  return { ...entry, submission: { ...submission, status: { state: 'sending', until: now } } };
};

/**
 * The mail that a gateway has accepted, on disk, and in memory what is known of it. The folder belongs to this process. It is
 * the store that `makeSendOutbox` works on.
 */
export const openSpool = async ({ folder, clock, log }: { folder: string; clock: Clock; log: Log }): Promise<Spool> => {
  const files: SpoolFiles = await spoolFiles(folderOf(folder), log);
  const stored = filesystemBlobStore(folder);
  const entries = new Map<string, SpoolEntry>();
  const contents = new Map<string, number>();
  const mailboxes = new Map<string, ServedMailbox>();
  let watcher: SpoolWatcher = { wake: () => undefined, changed: () => undefined };
  const outboxes = await openOutboxes(join(folder, 'outboxes'), entries);

  const keep = (entry: SpoolEntry): void => {
    const { submission, mailbox } = entry;
    entries.set(submission.id, entry);
    mailboxes.set(mailbox.id, mailbox);
    outboxes.note(submission);
  };

  for (const { entry, contentBytes } of await files.read()) {
    const { submission } = entry;
    keep(abandoned(entry, epochSeconds(clock)));
    // Between its last word and the removal of its content the process may have ended.
    if (hasReachedAll(submission)) await files.removeContent(submission.id);
    else contents.set(submission.id, contentBytes);
  }
  if (entries.size > 0) log.info('spool.recovered', { messages: entries.size });

  const change = async (before: SpoolEntry | undefined, entry: SpoolEntry): Promise<void> => {
    // First here, so that nobody else changes what is being written.
    keep(entry);
    try {
      await files.write(entry);
    } catch (error) {
      if (before) keep(before);
      throw error;
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

    async add(submission, mailbox) {
      const entry = { submission, mailbox, revision: 1 };
      await files.write(entry);
      contents.set(submission.id, submission.sizeBytes);
      keep(entry);
      outboxes.grow(mailbox.id);
      watcher.changed(entry);
      watcher.wake(mailbox.id);
    },

    entries: () => [...entries.values()],
    entry: (id) => entries.get(id),
    size: () => entries.size,
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
          watcher.wake(after.mailboxId);
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
