import { readFile, writeFile } from 'node:fs/promises';

/** From proc(5), `/proc/<pid>/status`, in kB there. Not a number where there is none: elsewhere than on Linux. */
const statusBytes = async (pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number> => {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, kilobytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status) ?? [];
  return Number(kilobytes) * 1024;
};

export interface During<Value> {
  readonly value: Value;
  /** The most that the process held meanwhile, over what it holds when idle. */
  readonly aboveIdleBytes: number;
}

/** What a process that is idle now holds in memory later: seen from outside, by the kernel's own count. */
export const memoryOf = async (pid: number) => {
  const idleBytes = await statusBytes(pid, 'VmRSS');
  return {
    idleBytes,
    async during<Value>(work: () => Promise<Value>): Promise<During<Value>> {
      // Sets VmHWM to what is held now (proc(5), clear_refs, 5); who may not do that sees the most since the start, which is no less.
      await writeFile(`/proc/${pid}/clear_refs`, '5').catch(() => undefined);
      const value = await work();
      return { value, aboveIdleBytes: (await statusBytes(pid, 'VmHWM')) - idleBytes };
    },
  };
};
