import type { Mailbox } from '../../shared/domain/entities.ts';
import type { ProviderName } from '../../shared/domain/provider.ts';
import { type GrantWork, makeSweepGrants, type SweepPace } from '../../shared/usecases/grants/sweep-grants.ts';
import { advanceSeconds, now, openOffice, type Process, settle, signIn, value, type World } from './support.ts';

/** How many grants one process has in hand at once. */
export const IN_HAND = 8;

interface FleetOptions {
  readonly count: number;
  readonly provider?: ProviderName;
}

/** Many mailboxes of one organization, signed in, and their tokens in use. */
export const signedInFleet = async (
  world: World,
  process: Process,
  { count, provider = 'microsoft' }: FleetOptions,
): Promise<readonly Mailbox[]> => {
  const { organization } = await openOffice(process, { provider, address: `first@${provider}.example` });
  const mailboxes: Mailbox[] = [];
  for (let index = 0; index < count; index++) {
    const address = `scan${index}@${provider}.example`;
    const wish = { provider, address, aliases: [] };
    const { mailbox } = value(await process.administration.mailboxes.create(organization.id, wish));
    value(await signIn(world, process, mailbox));
    mailboxes.push(mailbox);
  }
  await use(world, process, mailboxes);
  return mailboxes;
};

/** As devices do that fetch tokens: from then on they are kept warm. */
export const use = async (world: World, { records }: Process, mailboxes: readonly Mailbox[]): Promise<void> => {
  for (const { id } of mailboxes) await records.grants.recordUse(id, 'smtp', now(world), now(world));
};

/** A sweep at a pace of the test's own, and what it lets through. */
export const sweepAt = (process: Process, pace: SweepPace) =>
  makeSweepGrants({ ...process, coolDowns: process.records.coolDowns, queue: process.grantQueue, pace });

/** What may be worked on at this moment, by all processes at once. Gives how much that was. */
export const workOnce = async (world: World, processes: readonly Process[]): Promise<number> => {
  const each = async ({ grantQueue, maintainGrant }: Process): Promise<number> => {
    const messages = await grantQueue.receive({ limit: IN_HAND, waitSeconds: 0 });
    const one = async (message: (typeof messages)[number]): Promise<void> => {
      await maintainGrant(JSON.parse(message.body) as GrantWork);
      await grantQueue.done(message);
    };
    await Promise.all(messages.map(one));
    return messages.length;
  };
  const counts = await settle(world, Promise.all(processes.map(each)));
  return counts.reduce((sum, count) => sum + count, 0);
};

/** Lets the minutes go by: a sweep at each, by the first process, and the workers of all in steps between. */
export const runFleet = async (
  world: World,
  processes: readonly Process[],
  {
    minutes,
    pace,
    stepSeconds = 10,
    eachMinute = async () => undefined,
  }: {
    readonly minutes: number;
    readonly pace: SweepPace;
    readonly stepSeconds?: number;
    readonly eachMinute?: (minute: number) => Promise<unknown>;
  },
): Promise<void> => {
  const [first] = processes;
  if (first === undefined) throw new Error('somebody must sweep');
  const sweep = sweepAt(first, pace);
  for (let minute = 0; minute < minutes; minute++) {
    await sweep();
    for (let second = 0; second < 60; second += stepSeconds) {
      while ((await workOnce(world, processes)) > 0);
      await advanceSeconds(world, stepSeconds);
    }
    await eachMinute(minute);
  }
};
