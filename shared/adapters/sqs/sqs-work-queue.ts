import { randomUUID } from 'node:crypto';
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SendMessageCommandInput,
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
  { queueUrl, fifo }: { readonly queueUrl: string; readonly fifo: boolean },
): WorkQueue => ({
  async send(message) {
    await client.send(new SendMessageCommand(fifo ? fifoInput(queueUrl, message) : standardInput(queueUrl, message)));
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

/** Without an id of its own a message gets a random one, which still makes the client's own retries harmless. */
const fifoInput = (
  QueueUrl: string,
  { body, group, deduplicationId, delaySeconds }: Message,
): SendMessageCommandInput => {
  if (group === undefined) throw new TypeError('a message for a FIFO queue needs a group');
  if (delaySeconds !== undefined) throw new TypeError('a FIFO queue delays no single message');
  return {
    QueueUrl,
    MessageBody: body,
    MessageGroupId: group,
    MessageDeduplicationId: deduplicationId ?? randomUUID(),
  };
};

/** A group on a standard queue asks for fairness between groups, not for order (developer guide, fair queues). */
const standardInput = (QueueUrl: string, { body, group, delaySeconds }: Message): SendMessageCommandInput => ({
  QueueUrl,
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
