import { S3Client } from '@aws-sdk/client-s3';
import { newKeySetText } from '../../../shared/adapters/key-ring/key-set.ts';
import { mimeMessageFormat as messageFormat } from '../../../shared/adapters/mime/mime-message-format.ts';
import { s3BlobStore } from '../../../shared/adapters/s3/s3-blob-store.ts';
import { s3UploadDoor } from '../../../shared/adapters/s3/s3-upload-door.ts';
import { openDatabase } from '../../../shared/adapters/sqlite/open-database.ts';
import { sqliteTable } from '../../../shared/adapters/sqlite/sqlite-table.ts';
import { systemRandom as random } from '../../../shared/adapters/system/system-random.ts';
import { ok } from '../../../shared/domain/result.ts';
import { USE_RECORDED_EVERY_SECONDS } from '../../../shared/domain/timing.ts';
import type { Clock } from '../../../shared/ports/clock.ts';
import type { Log } from '../../../shared/ports/log.ts';
import type { MailTransport } from '../../../shared/ports/mail-transport.ts';
import type { WorkQueue } from '../../../shared/ports/work-queue.ts';
import { scopeFor } from '../../../shared/protocol/scopes.ts';
import { brokerRecords } from '../../../shared/records/index.ts';
import { deviceUseCases } from '../../../shared/usecases/devices/device-use-cases.ts';
import { makeAcceptMessage } from '../../../shared/usecases/mail/accept-message.ts';
import { makeBeginUpload } from '../../../shared/usecases/mail/begin-upload.ts';
import { makeOpenCourier } from '../../../shared/usecases/mail/courier.ts';
import { makeRelayOutbox } from '../../../shared/usecases/mail/relay-outbox.ts';
import { LOOPBACK_CLIENT } from '../../fakes/aws-json.ts';
import { ringOf } from '../due-grants.ts';
import { itemBytes, type Metered, meteredTable } from '../scale/dynamodb-units.ts';
import { START } from '../scale/usage.ts';
import { type S3Operation, startCountedS3 } from './counted-s3.ts';
import { makeOrganization, makeSignedIn, type SignedIn } from './mailboxes.ts';
import { scanOf } from './messages.ts';

/** What one thing that the broker does asks of AWS. */
export interface Asked {
  readonly metered: readonly Metered[];
  readonly s3: readonly S3Operation[];
  readonly queued: number;
}

export interface MessageCosts {
  /** As it was sent. */
  readonly sentBytes: number;
  readonly byUpload: boolean;
  /** Making room for an upload; nothing where the message comes in the request. */
  readonly begun: Asked;
  readonly accepted: Asked;
  readonly sent: Asked;
  /** Bytes in the table of what stays until the retention ends. */
  readonly keptBytes: number;
}

const quiet: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

const BUCKET = 'messages';

const unused = (): never => {
  throw new Error('not in use here');
};

/** Takes everything, and counts it. */
const countingTransport = () => {
  let bytes = 0;
  const transport: MailTransport = {
    open: async () =>
      ok({
        isOpen: true,
        async send({ content }) {
          for await (const chunk of content) bytes += (chunk as Buffer).length;
          return { outcome: 'sent', response: '250 2.0.0 OK <bench> [Hostname=BENCH.PROD.OUTLOOK.COM]', refused: [] };
        },
        close: async () => undefined,
      }),
  };
  const take = (): number => {
    const taken = bytes;
    bytes = 0;
    return taken;
  };
  return { transport, take };
};

const countingQueue = () => {
  const counts = { sent: 0 };
  const queue: WorkQueue = {
    send: async () => void counts.sent++,
    sendAll: unused,
    receive: unused,
    done: unused,
    retryLater: unused,
    depth: unused,
  };
  return { counts, queue };
};

/** The relay of the cloud over a metered table, a counted S3, and a mail server that takes everything. */
const compose = async () => {
  const time = { seconds: START };
  const clock: Clock = { now: () => time.seconds * 1000, sleep: async () => undefined };
  const plain = sqliteTable(openDatabase(':memory:'));
  const { watching: table, take: takeMetered } = meteredTable(plain);
  const s3 = await startCountedS3();
  const client = new S3Client({
    ...LOOPBACK_CLIENT,
    endpoint: s3.endpoint,
    forcePathStyle: true,
    requestChecksumCalculation: 'WHEN_REQUIRED',
  });
  const { counts, queue } = countingQueue();
  const { transport, take: takeSent } = countingTransport();
  const records = brokerRecords(table, ringOf(newKeySetText()), clock, random);
  const blobs = s3BlobStore(client, { bucket: BUCKET });
  const uploadDoor = s3UploadDoor(client, { bucket: BUCKET, clock });
  const common = { records, blobs, uploadDoor, queue, messageFormat, clock, random, log: quiet };
  const refresher = { refreshNow: unused, refreshSoon: async () => undefined };
  const devices = deviceUseCases({ ...common, refresher, scopeFor, serverFor: () => undefined });
  const transports = { smtp: transport, api: transport };
  const openCourier = makeOpenCourier({ ...common, ...devices, transports });
  await makeOrganization({ table, records, clock });
  return {
    ...{ time, plain, takeSent },
    mailbox: await makeSignedIn({ table, records, clock }, 'microsoft', 0),
    beginUpload: makeBeginUpload({ ...common, ...devices }),
    acceptMessage: makeAcceptMessage({ ...common, ...devices }),
    sendOutbox: makeRelayOutbox({ ...common, openCourier }),
    take: (): Asked => {
      const queued = counts.sent;
      counts.sent = 0;
      return { metered: takeMetered(), s3: s3.take(), queued };
    },
    close: async () => {
      client.destroy();
      await s3.close();
    },
  };
};

type Relay = Awaited<ReturnType<typeof compose>>;

const credentialOf = ({ clientId, clientSecret }: SignedIn) => ({ clientId, clientSecret, place: '192.0.2.1' });

const handIn = async ({ mailbox, acceptMessage }: Relay, what: { message: Uint8Array } | { uploadId: string }) => {
  const handedIn = {
    ...credentialOf(mailbox),
    slot: 'scan',
    envelopeTo: undefined,
    idempotencyKey: undefined,
    ...what,
  };
  const accepted = await acceptMessage(handedIn);
  if (!accepted.ok) throw new Error(`not accepted: ${accepted.error.kind}`);
  return accepted.value;
};

/** The device's own part included: it puts the message where it was told to. */
const upload = async ({ mailbox, beginUpload }: Relay, message: Buffer): Promise<{ uploadId: string }> => {
  const begun = await beginUpload({ ...credentialOf(mailbox), sizeBytes: message.length, sha256: undefined });
  if (!begun.ok) throw new Error(`no room for it: ${begun.error.kind}`);
  const { link, upload } = begun.value;
  const put = await fetch(link.url, { method: 'PUT', headers: link.headers, body: new Uint8Array(message) });
  if (!put.ok) throw new Error(`the upload answers ${put.status}`);
  return { uploadId: upload.id };
};

/** DynamoDB adds 100 bytes to each item that it stores (developer guide, "item sizes"). */
const OVERHEAD_BYTES = 100;

/** What was written for this message alone, and is still there when it has been sent. */
const keptBytes = async ({ plain }: Relay, asked: readonly Asked[], id: string): Promise<number> => {
  const written = asked
    .flatMap(({ metered }) => metered)
    .filter(({ writeUnits, request }) => writeUnits > 0 && request !== 'due index');
  const keys = new Map(written.map(({ key }) => [`${key.pk}|${key.sk}`, key]));
  const items = await Promise.all([...keys.values()].map((key) => plain.get(key)));
  return items
    .filter((item) => JSON.stringify(item ?? '').includes(id))
    .reduce((sum, item) => sum + itemBytes(item ?? {}) + OVERHEAD_BYTES, 0);
};

const costsOf = async (relay: Relay, sizeBytes: number, byUpload: boolean): Promise<MessageCosts> => {
  const { time, mailbox, sendOutbox, take, takeSent } = relay;
  const message = scanOf(sizeBytes)(mailbox.address, `scan-${sizeBytes}`);
  // So that each notes its use, and none waits for the pace.
  time.seconds += USE_RECORDED_EVERY_SECONDS + 1;
  take();
  const content = byUpload ? await upload(relay, message) : { message };
  const begun = take();
  const { id } = await handIn(relay, content);
  const accepted = take();
  await sendOutbox(mailbox.mailboxId);
  const sent = take();
  return {
    sentBytes: takeSent(),
    byUpload,
    begun,
    accepted,
    sent,
    keptBytes: await keptBytes(relay, [accepted, sent], id),
  };
};

/** Each message handed in and sent once by the broker's own code, alone, which is the dearest way. */
export const measureMessageCosts = async (
  sizes: readonly { readonly sizeBytes: number; readonly byUpload: boolean }[],
): Promise<readonly MessageCosts[]> => {
  const relay = await compose();
  try {
    // As it is with the second message: all items are there, and the device's mailbox is known.
    await costsOf(relay, 1000, false);
    const costs: MessageCosts[] = [];
    for (const { sizeBytes, byUpload } of sizes) costs.push(await costsOf(relay, sizeBytes, byUpload));
    return costs;
  } finally {
    await relay.close();
  }
};
