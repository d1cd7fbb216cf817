import {
  BatchProcessor,
  EventType,
  processPartialResponse,
  SqsFifoPartialProcessorAsync,
} from '@aws-lambda-powertools/batch';
import type { SQSBatchResponse, SQSEvent, SQSRecord } from 'aws-lambda';
import * as v from 'valibot';
import type { Log } from '../../ports/log.ts';
import { CORRELATION_ATTRIBUTE, correlated, newCorrelationId } from '../correlation/correlation.ts';
import { type Invocation, invokedAs } from './invocation.ts';

/** What to do with one message. Throwing leaves it in the queue, and in the end to the dead letters. */
export type MessageHandler<Body> = (body: Body) => Promise<void>;

const handlerOf = <Schema extends v.GenericSchema>(
  schema: Schema,
  handle: MessageHandler<v.InferOutput<Schema>>,
  log: Log,
) => {
  const handleOne = async ({ messageId, body }: SQSRecord): Promise<void> => {
    try {
      await handle(v.parse(schema, JSON.parse(body)));
    } catch (error) {
      log.error('message.failed', { message_id: messageId, error: error instanceof Error ? error.message : '' });
      throw error;
    }
  };
  return (record: SQSRecord): Promise<void> => {
    const correlation_id = record.messageAttributes[CORRELATION_ATTRIBUTE]?.stringValue ?? newCorrelationId();
    return correlated({ correlation_id }, () => handleOne(record));
  };
};

/** A standard queue's batch: all at once, and each fails for itself. */
export const batchHandler =
  <Schema extends v.GenericSchema>(schema: Schema, handle: MessageHandler<v.InferOutput<Schema>>, log: Log) =>
  (event: SQSEvent, invocation?: Invocation): Promise<SQSBatchResponse> =>
    correlated(invokedAs(invocation), () =>
      processPartialResponse(event, handlerOf(schema, handle, log), new BatchProcessor(EventType.SQS), {
        throwOnFullBatchFailure: false,
      }),
    );

/** A FIFO queue's batch: in order; a failure stops its group and leaves the others going. */
export const fifoBatchHandler =
  <Schema extends v.GenericSchema>(schema: Schema, handle: MessageHandler<v.InferOutput<Schema>>, log: Log) =>
  (event: SQSEvent, invocation?: Invocation): Promise<SQSBatchResponse> =>
    correlated(invokedAs(invocation), () =>
      processPartialResponse(event, handlerOf(schema, handle, log), new SqsFifoPartialProcessorAsync(), {
        skipGroupOnError: true,
        throwOnFullBatchFailure: false,
      }),
    );
