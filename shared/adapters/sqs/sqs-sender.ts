import { randomUUID } from 'node:crypto';
import { SendMessageCommand, type SendMessageCommandInput, type SQSClient } from '@aws-sdk/client-sqs';
import type { Message, WorkQueue } from '../../ports/work-queue.ts';
import { CORRELATION_ATTRIBUTE, correlationId } from '../correlation/correlation.ts';

/** A message as SQS takes it, by itself or in a batch. */
export type Entry = Omit<SendMessageCommandInput, 'QueueUrl'>;

/** `send` of `sqsWorkQueue` alone, for what serves devices: what the rest needs of the client is not small. */
export const sqsSender = (
  client: SQSClient,
  { queueUrl, fifo }: { readonly queueUrl: string; readonly fifo: boolean },
): Pick<WorkQueue, 'send'> => ({
  async send(message) {
    await client.send(new SendMessageCommand({ QueueUrl: queueUrl, ...entryOf(message, fifo) }));
  },
});

const correlationAttribute = (): Pick<Entry, 'MessageAttributes'> => {
  const id = correlationId();
  if (id === undefined) return {};
  return { MessageAttributes: { [CORRELATION_ATTRIBUTE]: { DataType: 'String', StringValue: id } } };
};

/** Without an id of its own a message gets a random one, which still makes the client's own retries harmless. */
const fifoEntry = ({ body, group, deduplicationId, delaySeconds }: Message): Entry => {
  if (group === undefined) throw new TypeError('a message for a FIFO queue needs a group');
  if (delaySeconds !== undefined) throw new TypeError('a FIFO queue delays no single message');
  const MessageDeduplicationId = deduplicationId ?? randomUUID();
  return { MessageBody: body, MessageGroupId: group, MessageDeduplicationId, ...correlationAttribute() };
};

/** A group on a standard queue asks for fairness between groups, not for order (developer guide, fair queues). */
const standardEntry = ({ body, group, delaySeconds }: Message): Entry => ({
  MessageBody: body,
  ...(group !== undefined && { MessageGroupId: group }),
  ...(delaySeconds !== undefined && { DelaySeconds: delaySeconds }),
  ...correlationAttribute(),
});

export const entryOf = (message: Message, fifo: boolean): Entry => (fifo ? fifoEntry(message) : standardEntry(message));
