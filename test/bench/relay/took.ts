/** What a piece of work took of this process. */
export interface Took {
  readonly ms: number;
  /** User and system. */
  readonly cpuMs: number;
}

/** User and system, since the process began. */
export const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

export const startTaking = (): (() => Took) => {
  const [startedAt, cpuBefore] = [performance.now(), cpuMs()];
  return () => ({ ms: performance.now() - startedAt, cpuMs: cpuMs() - cpuBefore });
};

export const tookBy = async (work: () => Promise<unknown>): Promise<Took> => {
  const taken = startTaking();
  await work();
  return taken();
};
