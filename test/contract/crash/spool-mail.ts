/**
 * Takes messages into the spool of the folder named by the first argument, many at once, then changes and forgets them; says each
 * step once it has been promised, in one write, so that who traces the process sees it among the others.
 */
import { writeSync } from 'node:fs';
import { Readable } from 'node:stream';
import { makeIntake } from '../../../gateway/spool/make-intake.ts';
import { openSpool } from '../../../gateway/spool/spool.ts';
import { mimeMessageFormat } from '../../../shared/adapters/mime/mime-message-format.ts';
import { systemClock as clock } from '../../../shared/adapters/system/system-clock.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import { servedDevice } from '../../fakes/gateway.ts';
import { memoryLog } from '../../fakes/memory-log.ts';

const AT_ONCE = 12;

const [folder = ''] = process.argv.slice(2);
const log = memoryLog();
const spool = await openSpool({ folder, clock, log });
const intake = await makeIntake({
  spool,
  folder,
  limits: () => ({ spoolBytes: 1e9, spoolMessages: 1e6, freeBytes: 0 }),
  mayHandIn: () => true,
  messageFormat: mimeMessageFormat,
  clock,
  random,
  log,
});

const say = (what: string, id: string): void => void writeSync(1, `${what} ${id}\n`);
const message = (): Readable =>
  Readable.from([Buffer.from('Subject: Scan\r\n\r\nSee below.\r\n')], { objectMode: false });

const take = async (): Promise<void> => {
  const content = message();
  const taken = await intake.take({ device: servedDevice('abcd1234'), mailFrom: '', to: ['ann@a.example'], content });
  if (!taken.ok) throw new Error(taken.error.kind);
  const { id } = taken.value;
  say('accepted', id);
  const entry = spool.entry(id);
  if (entry === undefined) throw new Error(`${id} is not there`);
  await spool.submissions.replace(entry, { ...entry.submission, attempts: 1 }, 0);
  say('replaced', id);
  await spool.forget(id);
  say('forgotten', id);
};

await Promise.all(Array.from({ length: AT_ONCE }, take));
