import { syncFolder } from '../../shared/adapters/filesystem/durable-file.ts';

/**
 * Makes the names in a folder durable for all who wait at once: a sync that began before a name was given does not count for it,
 * so whoever comes meanwhile shares the next one.
 */
export const sharedFolderSync = (folder: string): (() => Promise<void>) => {
  let running: Promise<void> | undefined;
  let next: Promise<void> | undefined;

  const begin = (): Promise<void> => {
    running = syncFolder(folder).finally(() => {
      running = undefined;
    });
    return running;
  };

  const after = async (current: Promise<void>): Promise<void> => {
    // Whether it failed is told to those who waited for it.
    await current.catch(() => undefined);
    next = undefined;
    return begin();
  };

  return () => {
    if (running === undefined) return begin();
    next ??= after(running);
    return next;
  };
};
