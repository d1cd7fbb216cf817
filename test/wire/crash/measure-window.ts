import { makeRound } from './round.ts';
import { runBroker } from './run-broker.ts';
import type { VaultKind, World } from './world.ts';

/** The first ones open connections and are compiled; they are left out. */
const REFRESHES = 40;
const LEFT_OUT = 10;

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

/** How long an answer of a strict provider is in memory alone, and how long a whole refresh takes. */
export const measureWindow = async (
  world: World,
  vault: VaultKind,
  { opensAt, closesAt }: { readonly opensAt: string; readonly closesAt: string },
): Promise<{ readonly windowMs: number; readonly refreshMs: number }> => {
  const { place, registration, ...setting } = world.settingOf(vault, 'strict');
  const brokers = { earlier: await setting.composed(-7200), present: await setting.composed(0) };
  const { mailbox } = await makeRound({ ...setting, place, registration }, 'refresh', brokers);
  const work = { operation: 'refresh', mailboxId: mailbox.id, times: REFRESHES } as const;
  const { timed } = await runBroker({ place, registration, work }, world.program);
  const timesOf = (name: string): readonly number[] =>
    timed.filter(({ step }) => step === name).map(({ atMs }) => atMs);
  const between = (from: string, to: string): number => {
    const ends = timesOf(to);
    return median(
      timesOf(from)
        .map((start, index) => (ends[index] ?? start) - start)
        .slice(LEFT_OUT),
    );
  };
  for (const broker of Object.values(brokers)) broker.close();
  return { windowMs: between(opensAt, closesAt), refreshMs: between('begin', 'end') };
};
