import { readFile, rename, rm } from 'node:fs/promises';
import * as v from 'valibot';
import { isErrorCode, writeNewFile } from '../../shared/adapters/filesystem/durable-file.ts';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import type { Log } from '../../shared/ports/log.ts';

/** A device that has proven itself here. Of its secret there is only a hash: 2^118 of them are not guessed. */
export interface ProvenDevice {
  readonly device: ServedDevice;
  readonly secretHash: string;
  /** Epoch seconds: when the broker last said so. */
  readonly provenAt: number;
}

const STORED = v.record(
  v.string(),
  v.looseObject({
    device: v.looseObject({ clientId: v.string(), slot: v.string(), mailbox: v.looseObject({ id: v.string() }) }),
    secretHash: v.string(),
    provenAt: v.number(),
  }),
);

/** Absent, or unreadable: the devices prove themselves anew. */
const read = async (file: string, log: Log): Promise<ReadonlyMap<string, ProvenDevice>> => {
  try {
    const stored = v.parse(STORED, JSON.parse(await readFile(file, 'utf8')));
    return new Map(Object.entries(stored as unknown as Record<string, ProvenDevice>));
  } catch (error) {
    if (!isErrorCode(error, 'ENOENT')) log.warn('devices.unreadable', { file, error: String(error) });
    return new Map();
  }
};

export interface DeviceStore {
  get(name: string): ProvenDevice | undefined;
  /** Of one device, for each slot. */
  namesOf(clientId: string): readonly string[];
  /** Resolves once it is on disk. */
  set(name: string, proven: ProvenDevice): Promise<void>;
  delete(name: string): Promise<void>;
}

/** Which devices may use this gateway while the broker cannot be asked, over a restart as well. One file, for the owner alone. */
export const openDeviceStore = async (file: string, log: Log): Promise<DeviceStore> => {
  const known = new Map(await read(file, log));
  let saving: Promise<void> | undefined;
  let isStale = false;

  const write = async (): Promise<void> => {
    try {
      while (isStale) {
        isStale = false;
        const unfinished = `${file}.new`;
        await rm(unfinished, { force: true });
        await writeNewFile(unfinished, JSON.stringify(Object.fromEntries(known)));
        await rename(unfinished, file);
      }
    } finally {
      // In the same breath as the last look at `isStale`: whoever comes now begins anew.
      saving = undefined;
    }
  };

  /** What changes while it is written is written with the next round. */
  const save = (): Promise<void> => {
    isStale = true;
    saving ??= write();
    return saving;
  };

  return {
    get: (name) => known.get(name),
    namesOf: (clientId) => [...known].filter(([, { device }]) => device.clientId === clientId).map(([name]) => name),
    set(name, proven) {
      known.set(name, proven);
      return save();
    },
    delete(name) {
      known.delete(name);
      return save();
    },
  };
};
