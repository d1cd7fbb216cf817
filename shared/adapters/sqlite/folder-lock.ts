import { DatabaseSync } from 'node:sqlite';

/** Kept from the garbage collector, which would let go of the locks. */
const held: DatabaseSync[] = [];

/**
 * Takes a folder for this process alone, for as long as it lives; a killed one holds it no longer. `file` is a database in that
 * folder which serves nothing else. False: another process has it.
 */
export const lockFolder = (file: string): boolean => {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
  } catch {
    database.close();
    return false;
  }
  held.push(database);
  return true;
};
