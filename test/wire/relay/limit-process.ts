/**
 * A process that uses mailboxes together with others, until its standard input ends: a worker of the relay, or a gateway, as
 * far as it has to do with a mailbox's pace. What it is to do comes as JSON in the only argument; its clock runs faster than
 * the system's, by as much as everybody's does.
 */
import { Readable } from 'node:stream';
import { streamLog } from '../../../shared/adapters/system/stream-log.ts';
import type { Mailbox } from '../../../shared/domain/entities.ts';
import { MAILBOX_LIMITS } from '../../../shared/domain/outbox.ts';
import type { MailSession } from '../../../shared/ports/mail-transport.ts';
import { makeMailboxPace } from '../../../shared/usecases/mail/mailbox-pace.ts';
import { quickClock } from '../herd/quick-clock.ts';
import { composeMachine, type Place } from './compose.ts';
import { scanOf } from './scan.ts';

export interface LimitOrders {
  readonly place: Place;
  readonly clock: Parameters<typeof quickClock>[0];
  readonly mailboxes: readonly Mailbox[];
  readonly role:
    | { readonly name: 'worker' }
    | {
        readonly name: 'gateway';
        readonly holder: string;
        /** For each mailbox. */
        readonly messages: number;
      };
}

const { place, clock: speed, mailboxes, role } = JSON.parse(process.argv[2] ?? '') as LimitOrders;
const clock = quickClock(speed);
const machine = composeMachine(place, { clock, log: streamLog(process.stderr, clock) });
const { records } = machine;

/** Of its own time. */
const SWEEP_MS = 3000;

let isStopped = false;
process.stdin.resume().once('end', () => {
  isStopped = true;
});

/** Calls from the queue, one for each mailbox at a time, and such as a queue repeats that takes a slow worker for a dead one. */
const work = async (): Promise<void> => {
  while (!isStopped) {
    await Promise.all([machine.work(), ...mailboxes.map(({ id }) => machine.sendOutbox(id))]);
    await clock.sleep(SWEEP_MS);
  }
};

const signIn = async ({ id, provider, address }: Mailbox): Promise<MailSession> => {
  const { grant, revision, tokens } = await records.grants.getWithTokens(id, ['smtp']);
  const mailbox = await records.mailboxes.get(id);
  if (mailbox === undefined) throw new Error('the mailbox is gone');
  const wish = { mailbox, audience: 'smtp', minTtlSeconds: 600 } as const;
  const token = await machine.acquireAccessToken(wish, { grant: { grant, revision }, token: tokens[0] });
  if (!token.ok) throw new Error(`no token: ${token.error.kind}`);
  const opened = await machine.smtp.open({ provider, address, accessToken: token.value.accessToken });
  if (!opened.ok) throw new Error(`no session: ${opened.error.response}`);
  return opened.value;
};

/** Sends its messages as soon as it may, one after the other, and lets go of the connection whenever it may not. */
const sendAs = async (mailbox: Mailbox, holder: string, messages: number): Promise<void> => {
  const pace = makeMailboxPace({ outboxes: records.outboxes, clock })(
    mailbox.id,
    { holder, owner: `${holder}-${process.pid}` },
    MAILBOX_LIMITS[mailbox.provider],
  );
  let session: MailSession | undefined;
  const letGo = async (): Promise<void> => {
    await session?.close();
    session = undefined;
    await pace.release();
  };
  for (let sent = 0; sent < messages; ) {
    const permit = await pace.permit();
    if (!permit.granted) {
      await letGo();
      await clock.sleep(Math.min(permit.waitMs, SWEEP_MS));
      continue;
    }
    session ??= await signIn(mailbox);
    const message = Buffer.from(scanOf({ name: `${holder}-${String(sent).padStart(3, '0')}` }));
    const envelope = { from: mailbox.address, to: ['archive@example.org'] };
    const content = Readable.from([message]);
    const outcome = await session.send({ envelope, content, sizeBytes: message.length, eightBit: false });
    pace.ended(true);
    if (outcome.outcome !== 'sent') throw new Error(`not sent: ${outcome.response}`);
    sent++;
  }
  await letGo();
};

if (role.name === 'worker') await work();
else await Promise.all(mailboxes.map((mailbox) => sendAs(mailbox, role.holder, role.messages)));
machine.close();
process.exit();
