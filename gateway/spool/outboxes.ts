import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { makeFolder } from '../../shared/adapters/filesystem/durable-file.ts';
import type { Outbox } from '../../shared/domain/outbox.ts';
import { isOver, type Submission } from '../../shared/domain/submission.ts';
import type { OutboxRecord } from '../../shared/records/outboxes.ts';
import type { OutboxStore } from '../../shared/usecases/mail/send-outbox.ts';
import type { SpoolEntry } from './entry.ts';
import { makeInTurn } from './in-turn.ts';

/** One page of what waits. */
const PAGE = 50;

const EMPTY: OutboxRecord = { outbox: {}, revision: 0, dueAt: undefined };

export type GatewayOutboxes = OutboxStore['outboxes'] & {
  /** By mailbox, those that were ever used. */
  all(): ReadonlyMap<string, OutboxRecord>;
  /** A person, or the broker, has something to say of what keeps it. */
  change(mailboxId: string, change: (outbox: Outbox) => Outbox): Promise<void>;
  /** How it stands with a submission: among those that wait, or not. */
  note(submission: Submission): void;
  drop(submission: Submission): void;
  /** Something was put in: whoever looked has not seen all. */
  grow(mailboxId: string): void;
};

/**
 * What keeps the mail of each mailbox at this gateway. Kept in files, so that a hold is not forgotten over a restart; without
 * haste, as one try finds it out again.
 */
export const openOutboxes = async (
  folder: string,
  entries: ReadonlyMap<string, SpoolEntry>,
): Promise<GatewayOutboxes> => {
  await makeFolder(folder);
  const records = new Map<string, OutboxRecord>();
  const waiting = new Map<string, Set<string>>();
  for (const name of await readdir(folder)) {
    const mailboxId = name.replace(/\.json$/, '');
    if (mailboxId === name) {
      await rm(join(folder, name), { force: true });
      continue;
    }
    try {
      records.set(mailboxId, { ...EMPTY, outbox: JSON.parse(await readFile(join(folder, name), 'utf8')) as Outbox });
    } catch {
      // A power cut may have left it empty.
      await rm(join(folder, name), { force: true });
    }
  }

  const recordOf = (mailboxId: string): OutboxRecord => records.get(mailboxId) ?? EMPTY;

  const inTurn = makeInTurn();
  const write = async (mailboxId: string): Promise<void> => {
    const { outbox } = recordOf(mailboxId);
    const path = join(folder, `${mailboxId}.json`);
    if (isDeepStrictEqual(outbox, {})) return rm(path, { force: true });
    await writeFile(`${path}.new`, JSON.stringify(outbox), { mode: 0o600 });
    await rename(`${path}.new`, path);
  };

  const drop = ({ id, mailboxId }: Submission): void => {
    waiting.get(mailboxId)?.delete(id);
  };

  const replace: GatewayOutboxes['replace'] = async (mailboxId, { revision }, outbox, dueAt) => {
    const before = recordOf(mailboxId);
    if (before.revision !== revision) return false;
    records.set(mailboxId, { outbox, revision: revision + 1, dueAt });
    if (!isDeepStrictEqual(outbox, before.outbox)) {
      // A worker and a person may change it at the same time; whoever is last writes what both have come to.
      await inTurn(mailboxId, () => write(mailboxId));
    }
    return true;
  };

  return {
    get: async (mailboxId) => recordOf(mailboxId),
    replace,
    drop,
    all: () => records,

    async pending(mailboxId, after = '') {
      const ids = [...(waiting.get(mailboxId) ?? [])].filter((id) => id > after && entries.has(id));
      return ids.sort().slice(0, PAGE);
    },

    async change(mailboxId, change) {
      const before = recordOf(mailboxId);
      await replace(mailboxId, before, change(before.outbox), before.dueAt);
    },

    note(submission) {
      if (isOver(submission)) return drop(submission);
      const ids = waiting.get(submission.mailboxId) ?? new Set();
      waiting.set(submission.mailboxId, ids.add(submission.id));
    },

    grow(mailboxId) {
      const { revision, ...record } = recordOf(mailboxId);
      records.set(mailboxId, { ...record, revision: revision + 1 });
    },
  };
};
