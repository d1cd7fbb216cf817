// The client alone: what is imported at run time comes into a bundle whole, and the package has far more than this.
import { SQSClient } from '@aws-sdk/client-sqs';
import { requestLimits } from '../aws/request-limits.ts';

/**
 * A device may be waiting, and what does not come into a queue the sweep finds within a minute. Not for receiving, which may
 * wait for 20 s (sqs-work-queue.ts): in the cloud Lambda does that, and hands the messages over.
 */
export const sqsClient = (): SQSClient => new SQSClient(requestLimits({ attempts: 2, answerMs: 1_500 }));
