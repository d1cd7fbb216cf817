import { CreateQueueCommand, GetQueueAttributesCommand, type SQSClient } from '@aws-sdk/client-sqs';

export interface QueueSettings {
  readonly fifo: boolean;
  readonly visibilitySeconds: number;
  readonly maxReceives: number;
}

/** In whatever emulator the client leads to; the dead-letter queue is named `<name>-dead`. */
export const createQueueWithDeadLetters = async (
  sqs: SQSClient,
  name: string,
  { fifo, visibilitySeconds, maxReceives }: QueueSettings,
): Promise<{ readonly queueUrl: string; readonly deadLettersUrl: string }> => {
  const create = async (queue: string, attributes: Record<string, string>): Promise<string> => {
    const { QueueUrl = '' } = await sqs.send(
      new CreateQueueCommand({
        QueueName: fifo ? `${queue}.fifo` : queue,
        Attributes: { ...(fifo && { FifoQueue: 'true' }), ...attributes },
      }),
    );
    return QueueUrl;
  };
  const deadLettersUrl = await create(`${name}-dead`, {});
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLettersUrl, AttributeNames: ['QueueArn'] }),
  );
  const redrive = { deadLetterTargetArn: Attributes?.QueueArn, maxReceiveCount: maxReceives };
  const queueUrl = await create(name, {
    VisibilityTimeout: String(visibilitySeconds),
    RedrivePolicy: JSON.stringify(redrive),
  });
  return { queueUrl, deadLettersUrl };
};
