import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  type SQSClient,
  type Message as SqsMessage,
} from '@aws-sdk/client-sqs';
import type { ReceivedMessage, WorkQueue } from '../../ports/work-queue.ts';
import { CORRELATION_ATTRIBUTE } from '../correlation/correlation.ts';
import { type Entry, entryOf, sqsSender } from './sqs-sender.ts';

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
  ...sqsSender(client, { queueUrl, fifo }),

  async sendAll(messages) {
    const batches = chunks(
      messages.map((message) => entryOf(message, fifo)),
      BATCH_SIZE,
    );
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
        MessageAttributeNames: [CORRELATION_ATTRIBUTE],
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

const chunks = <Value>(values: readonly Value[], size: number): readonly (readonly Value[])[] =>
  Array.from({ length: Math.ceil(values.length / size) }, (_, index) => values.slice(index * size, (index + 1) * size));

/** What SQS would not take of a batch is sent once more by itself, which also tells why. */
const sendBatch = async (client: SQSClient, QueueUrl: string, entries: readonly Entry[]): Promise<void> => {
  const Entries = entries.map((entry, index) => ({ ...entry, Id: String(index) }));
  const { Failed = [] } = await client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  for (const { Id } of Failed) await client.send(new SendMessageCommand({ QueueUrl, ...sentAs(entries, Id) }));
};

const sentAs = (entries: readonly Entry[], id: string | undefined): Entry => {
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

const received = ({ MessageId, Body, ReceiptHandle, Attributes, MessageAttributes }: SqsMessage): ReceivedMessage => {
  if (MessageId === undefined || ReceiptHandle === undefined) throw new Error('SQS sent a message without an id');
  const group = Attributes?.MessageGroupId;
  const correlationId = MessageAttributes?.[CORRELATION_ATTRIBUTE]?.StringValue;
  return {
    id: MessageId,
    body: Body ?? '',
    receipt: ReceiptHandle,
    receiveCount: Number(Attributes?.ApproximateReceiveCount ?? 1),
    ...(group !== undefined && { group }),
    ...(correlationId !== undefined && { correlationId }),
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
