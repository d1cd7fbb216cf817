import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { requestLimits } from '../aws/request-limits.ts';

/** An answer takes some 5 ms, one in a hundred 25 ms (facts/aws.md section 2). Three attempts and their pauses take 5 s at most. */
const LIMITS = requestLimits({ attempts: 3, answerMs: 1_500 });

/**
 * The AWS SDK's client for requests that a device waits for. What it would do for each of them is done once for each kind
 * (the chain of middleware) or not at all (preparing what is sent and received for a log that nobody set up).
 */
export const dynamodbClient = (): DynamoDBClient => {
  const client = new DynamoDBClient({ ...LIMITS, cacheMiddleware: true });
  client.middlewareStack.remove('loggerMiddleware');
  return client;
};
