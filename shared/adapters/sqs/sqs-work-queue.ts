import { randomUUID } from 'node:crypto';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  type SendMessageBatchRequestEntry,
  SendMessageCommand,
  type SQSClient,
  type Message as SqsMessage,
} from '@aws-sdk/client-sqs';
import type { Message, ReceivedMessage, WorkQueue } from '../../ports/work-queue.ts';

/** API reference, ReceiveMessage: the longest wait of one call. */
const LONGEST_WAIT_SECONDS = 20;
/**
 * A message may stay hidden for 12 h in all since it was received, and SQS refuses what goes beyond (API reference,
 * ChangeMessageVisibility). No worker holds a message longer than a Lambda function may run: 15 min.
 */
const LONGEST_DELAY_SECONDS = 43_200 - 900;

/** What SQS answers for a receipt that has run out, by queue type and operation (API reference, common errors). */
const RECEIPT_RUN_OUT: readonly { name: string; message?: RegExp }[] = [
  { name: 'ReceiptHandleIsInvalid' },
  { name: 'MessageNotInflight' },
  // "Value … for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."
  { name: 'InvalidParameterValue', message: /parameter ReceiptHandle/ },
];

/**
 * A queue whose visibility time-out and dead-letter queue are its own settings. A FIFO receive asks for one message at a
 * time: SQS would hand out several of one group together, and the port promises one.
 */
export const sqsWorkQueue = (
  client: SQSClient,
  {
    queueUrl,
    fifo,
    deadLettersUrl,
  }: {
    readonly queueUrl: string;
    readonly fifo: boolean;
    /** Where its dead letters go; only for who asks for the depth. */
    readonly deadLettersUrl?: string;
  },
): WorkQueue => ({
  async send(message) {
    const entry = fifo ? fifoEntry(message) : standardEntry(message);
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, ...entry }));
  },

  async sendAll(messages) {
    const batches = chunks(messages.map(fifo ? fifoEntry : standardEntry), BATCH_SIZE);
    // In rounds, so that a large sweep opens a bounded number of connections.
    for (const round of chunks(batches, BATCHES_AT_ONCE)) {
      await Promise.all(round.map((entries) => sendBatch(client, queueUrl, entries)));
    }
  },

  async depth() {
    const [queue, deadLetters] = await Promise.all([
      countMessages(client, queueUrl),
      deadLettersUrl === undefined ? 0 : countMessages(client, deadLettersUrl),
    ]);
    return { waiting: queue, dead: deadLetters };
  },

  async receive({ limit, waitSeconds }) {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: fifo ? 1 : limit,
        WaitTimeSeconds: Math.min(waitSeconds, LONGEST_WAIT_SECONDS),
        MessageSystemAttributeNames: ['ApproximateReceiveCount', 'MessageGroupId'],
      }),
    );
    return Messages.map(received);
  },

  async done({ receipt }) {
    await ignoringOldReceipts(client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: receipt })));
  },

  async retryLater({ receipt }, delaySeconds) {
    const VisibilityTimeout = Math.min(Math.ceil(delaySeconds), LONGEST_DELAY_SECONDS);
    await ignoringOldReceipts(
      client.send(
        new ChangeMessageVisibilityCommand({ QueueUrl: queueUrl, ReceiptHandle: receipt, VisibilityTimeout }),
      ),
    );
  },
});

/** API reference, SendMessageBatch: the most of one call; ten of ours stay far below its 1 MiB. */
const BATCH_SIZE = 10;
const BATCHES_AT_ONCE = 8;

type Entry = Omit<SendMessageBatchRequestEntry, 'Id'>;

const chunks = <Value>(values: readonly Value[], size: number): readonly (readonly Value[])[] =>
  Array.from({ length: Math.ceil(values.length / size) }, (_, index) => values.slice(index * size, (index + 1) * size));

/** What SQS would not take of a batch is sent once more by itself, which also tells why. */
const sendBatch = async (client: SQSClient, QueueUrl: string, entries: readonly Entry[]): Promise<void> => {
  const Entries = entries.map((entry, index) => ({ ...entry, Id: String(index) }));
  const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  for (const { Id } of Failed) await client.send(new SendMessageCommand({ QueueUrl, ...entryOf(entries, Id) }));
};

const entryOf = (entries: readonly Entry[], id: string | undefined): Entry => {
  const entry = entries[Number(id)];
  if (entry === undefined) throw new Error('SQS refused a message that was not sent');
  return entry;
};

const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

const countMessages = async (client: SQSClient, QueueUrl: string): Promise<number> => {
  const { Attributes = {} } = await client.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...COUNTS] }),
  );
  return COUNTS.reduce((sum, name) => sum + Number(Attributes[name] ?? 0), 0);
};

/** Without an id of its own a message gets a random one, which still makes the client's own retries harmless. */
const fifoEntry = ({ body, group, deduplicationId, delaySeconds }: Message): Entry => {
  if (group === undefined) throw new TypeError('a message for a FIFO queue needs a group');
  if (delaySeconds !== undefined) throw new TypeError('a FIFO queue delays no single message');
  return { MessageBody: body, MessageGroupId: group, MessageDeduplicationId: deduplicationId ?? randomUUID() };
};

/** A group on a standard queue asks for fairness between groups, not for order (developer guide, fair queues). */
const standardEntry = ({ body, group, delaySeconds }: Message): Entry => ({
  MessageBody: body,
  ...(group !== undefined && { MessageGroupId: group }),
  ...(delaySeconds !== undefined && { DelaySeconds: delaySeconds }),
});

const received = ({ MessageId, Body, ReceiptHandle, Attributes }: SqsMessage): ReceivedMessage => {
  if (MessageId === undefined || ReceiptHandle === undefined) throw new Error('SQS sent a message without an id');
  const group = Attributes?.MessageGroupId;
  return {
    id: MessageId,
    body: Body ?? '',
    receipt: ReceiptHandle,
    receiveCount: Number(Attributes?.ApproximateReceiveCount ?? 1),
    ...(group !== undefined && { group }),
  };
};

const ignoringOldReceipts = async (sent: Promise<unknown>): Promise<void> => {
  try {
    await sent;
  } catch (error) {
    const ranOut = RECEIPT_RUN_OUT.some(
      ({ name, message }) =>
        error instanceof Error && error.name === name && (message === undefined || message.test(error.message)),
    );
    if (!ranOut) throw error;
  }
};
