import { createHash, randomUUID } from 'node:crypto';
import {
  DeleteMessageCommand,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSMessageAttributes, SQSRecord, SQSRecordAttributes } from 'aws-lambda';
import type { LambdaFunction } from './lambda-function.ts';

const arnOf = (queue: string): string => `arn:aws:sqs:us-east-1:000000000000:${queue}`;

const recordOf = (
  queue: string,
  message: Pick<SQSRecord, 'messageId' | 'receiptHandle' | 'body' | 'attributes' | 'messageAttributes'>,
): SQSRecord => ({
  ...message,
  md5OfBody: createHash('md5').update(message.body).digest('hex'),
  eventSource: 'aws:sqs',
  eventSourceARN: arnOf(queue),
  awsRegion: 'us-east-1',
});

/** As Lambda has them in an event (developer guide, "Using Lambda with Amazon SQS"): other names than SQS's own. */
const messageAttributesOf = (attributes: Readonly<Record<string, MessageAttributeValue>>): SQSMessageAttributes =>
  Object.fromEntries(
    Object.entries(attributes).map(([name, { StringValue = '', DataType = 'String' }]) => [
      name,
      { stringValue: StringValue, stringListValues: [], binaryListValues: [], dataType: DataType },
    ]),
  );

/** A batch made by hand, for what the emulator does not do: several messages of one group together. */
export const sqsEvent = (
  queue: string,
  messages: readonly {
    readonly id: string;
    readonly body: string;
    readonly group?: string;
    readonly attributes?: Readonly<Record<string, string>>;
  }[],
): SQSEvent => ({
  Records: messages.map(({ id, body, group, attributes = {} }, index) =>
    recordOf(queue, {
      messageId: id,
      receiptHandle: randomUUID(),
      body,
      messageAttributes: messageAttributesOf(
        Object.fromEntries(
          Object.entries(attributes).map(([name, text]) => [name, { StringValue: text, DataType: 'String' }]),
        ),
      ),
      attributes: {
        ApproximateReceiveCount: '1',
        SentTimestamp: String(Date.now()),
        SenderId: 'AROATEST',
        ApproximateFirstReceiveTimestamp: String(Date.now()),
        ...(group !== undefined && {
          MessageGroupId: group,
          MessageDeduplicationId: id,
          SequenceNumber: String(index + 1).padStart(20, '0'),
        }),
      },
    }),
  ),
});

/**
 * Lambda's poller for a queue, with ReportBatchItemFailures (developer guide, "Using Lambda with Amazon SQS"): what the
 * function reports stays in the queue until its visibility time-out, the rest is deleted; if the function fails, or names
 * a message that is not in the batch, all of it stays.
 */
export const sqsEventSource = ({
  client,
  queueUrl,
  batchSize,
  target,
}: {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly batchSize: number;
  readonly target: Pick<LambdaFunction, 'invoke'>;
}) => {
  const queue = new URL(queueUrl).pathname.split('/').at(-1) ?? '';
  const seen: SQSRecord[] = [];
  let running = false;
  let loop: Promise<void> = Promise.resolve();

  const receive = async (waitSeconds: number): Promise<SQSRecord[]> => {
    const { Messages = [] } = await client.send(
      new ReceiveMessageCommand({
        QueueUrl: queueUrl,
        MaxNumberOfMessages: batchSize,
        WaitTimeSeconds: waitSeconds,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    );
    return Messages.map(({ MessageId = '', ReceiptHandle = '', Body = '', Attributes, MessageAttributes = {} }) =>
      recordOf(queue, {
        messageId: MessageId,
        receiptHandle: ReceiptHandle,
        body: Body,
        attributes: { ...Attributes } as unknown as SQSRecordAttributes,
        messageAttributes: messageAttributesOf(MessageAttributes),
      }),
    );
  };

  const doneOf = (records: SQSRecord[], response: SQSBatchResponse | null): SQSRecord[] => {
    const failed = new Set((response?.batchItemFailures ?? []).map(({ itemIdentifier }) => itemIdentifier));
    const isKnown = [...failed].every((id) => records.some(({ messageId }) => messageId === id));
    return isKnown ? records.filter(({ messageId }) => !failed.has(messageId)) : [];
  };

  /** One batch. `left`: how many of it stay in the queue. */
  const poll = async (waitSeconds = 0): Promise<{ readonly received: number; readonly left: number }> => {
    const records = await receive(waitSeconds);
    if (records.length === 0) return { received: 0, left: 0 };
    seen.push(...records);
    const invoked = await target.invoke({ Records: records });
    const done = invoked.outcome === 'returned' ? doneOf(records, invoked.payload as SQSBatchResponse | null) : [];
    for (const { receiptHandle } of done) {
      await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: receiptHandle }));
    }
    return { received: records.length, left: records.length - done.length };
  };

  return {
    poll,
    /** Until there is nothing to be had. */
    async drain(): Promise<number> {
      let total = 0;
      for (;;) {
        const { received } = await poll();
        if (received === 0) return total;
        total += received;
      }
    },
    start(): void {
      running = true;
      loop = (async () => {
        while (running) await poll(1);
      })();
    },
    async stop(): Promise<void> {
      running = false;
      await loop;
    },
    /** Every record ever received. */
    seen: (): readonly SQSRecord[] => seen,
  };
};

export type SqsEventSource = ReturnType<typeof sqsEventSource>;
