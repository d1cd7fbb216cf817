import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSpool, type Spool } from '../../../gateway/spool/spool.ts';
import type { ServedMailbox } from '../../../shared/domain/gateway.ts';
import type { Submission } from '../../../shared/domain/submission.ts';
import { type Clock, epochSeconds } from '../../../shared/ports/clock.ts';
import type { Log } from '../../../shared/ports/log.ts';
import { servedDevice } from '../../fakes/gateway.ts';

export const CONTENT = 'From: scan@office.example\r\nSubject: Scan\r\n\r\nSee below.\r\n';

/** A folder that goes with the test. */
export const scratchFolder = async (t: { after(done: () => Promise<void>): void }): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'gateway-spool-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
};

export const mailboxNamed = (id: string): ServedMailbox => ({ ...servedDevice('abcd1234').mailbox, id });

export const submissionNamed = (id: string, clock: Clock, changes: Partial<Submission> = {}): Submission => ({
  id,
  organizationId: 'org_1',
  clientId: 'abcd1234',
  slot: 'scan',
  mailboxId: 'mbx_1',
  account: 'scan@office.example',
  messageId: `<${id}@office.example>`,
  envelope: { from: 'scan@office.example', to: ['ann@office.example'] },
  delivered: [],
  rejected: [],
  sizeBytes: CONTENT.length,
  eightBit: false,
  acceptedAt: epochSeconds(clock),
  attempts: 0,
  status: { state: 'queued' },
  ...changes,
});

/** A message in the spool, as the intake puts it there. */
export const put = async (spool: Spool, submission: Submission, mailbox?: ServedMailbox): Promise<Submission> => {
  await writeFile(spool.contentPath(submission.id), CONTENT);
  await spool.add(submission, mailbox ?? mailboxNamed(submission.mailboxId));
  return submission;
};

export const open = (folder: string, clock: Clock, log: Log): Promise<Spool> => openSpool({ folder, clock, log });

/** What lies in the spool's own folder. */
export const filesIn = async (folder: string): Promise<readonly string[]> =>
  (await readdir(join(folder, 'submissions'))).sort();
