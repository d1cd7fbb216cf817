import { readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, writeFileAnew } from '../../shared/adapters/filesystem/durable-file.ts';
import type { Log } from '../../shared/ports/log.ts';
import { parseEntry, type SpoolEntry } from './entry.ts';
import { sharedFolderSync } from './folder-sync.ts';
import { makeInTurn } from './in-turn.ts';

/** An entry, and how much its content takes; 0 where it has none any more. */
export interface FoundEntry {
  readonly entry: SpoolEntry;
  readonly contentBytes: number;
}

const sizeOf = async (path: string): Promise<number> => {
  try {
    return (await stat(path)).size;
  } catch {
    return 0;
  }
};

/**
 * The spool's file pairs: `<id>.eml`, the message, and `<id>.json`, what is known of it. A message has been accepted once its
 * `.json` is there; so that comes last, and goes first.
 */
export const spoolFiles = async (folder: string, log: Log) => {
  await makeFolder(folder);
  const sync = sharedFolderSync(folder);
  const pathOf = (id: string, ending: 'eml' | 'json' | 'json.new'): string => join(folder, `${id}.${ending}`);
  /** The changes of one entry, one after the other. */
  const inTurn = makeInTurn();

  const writeEntry = async (entry: SpoolEntry, content: Promise<void> | undefined): Promise<void> => {
    const { id } = entry.submission;
    const unfinished = pathOf(id, 'json.new');
    try {
      // Both at once, as the disk may write them together; the entry has its name only after both.
      await Promise.all([writeFileAnew(unfinished, JSON.stringify(entry)), content]);
      await rename(unfinished, pathOf(id, 'json'));
    } catch (error) {
      // A full disk is not to fill with what came of its being full.
      await content?.catch(() => undefined);
      await rm(unfinished, { force: true });
      throw error;
    }
    await sync();
  };

  /** Found at the start: what a crash has left of messages that nobody was promised anything about. */
  const clean = async (names: readonly string[]): Promise<void> => {
    const known = new Set(names);
    const isUnfinished = (name: string): boolean => {
      if (name.endsWith('.json.new')) return true;
      const id = name.replace(/\.eml$/, '');
      return id !== name && !known.has(`${id}.json`) && !known.has(`${id}.json.damaged`);
    };
    const unfinished = names.filter(isUnfinished);
    for (const name of unfinished) await rm(join(folder, name), { force: true });
    if (unfinished.length > 0) log.info('spool.cleaned', { files: unfinished.length });
  };

  return {
    contentPath: (id: string): string => pathOf(id, 'eml'),

    /** All that have been accepted, oldest first. A damaged one is set aside, for a person to look at. */
    async read(): Promise<readonly FoundEntry[]> {
      const names = await readdir(folder);
      await clean(names);
      const found: FoundEntry[] = [];
      for (const name of names.filter((one) => one.endsWith('.json')).sort()) {
        const path = join(folder, name);
        const entry = parseEntry(await readFile(path, 'utf8'));
        if (entry === undefined) {
          await rename(path, `${path}.damaged`);
          log.error('spool.damaged', { file: name });
        } else found.push({ entry, contentBytes: await sizeOf(pathOf(entry.submission.id, 'eml')) });
      }
      return found;
    },

    /** Durable when it resolves. `content`: when that is, where it is being written just now. */
    write: (entry: SpoolEntry, content?: Promise<void>): Promise<void> =>
      inTurn(entry.submission.id, () => writeEntry(entry, content)),

    async removeContent(id: string): Promise<void> {
      await rm(pathOf(id, 'eml'), { force: true });
    },

    remove: (id: string): Promise<void> =>
      inTurn(id, async () => {
        await rm(pathOf(id, 'json'), { force: true });
        // Come back after a power cut, the entry would have the message sent again.
        await sync();
        await rm(pathOf(id, 'eml'), { force: true });
      }),
  };
};

export type SpoolFiles = Awaited<ReturnType<typeof spoolFiles>>;
