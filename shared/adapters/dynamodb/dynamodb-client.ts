import { DynamoDBClient } from '@aws-sdk/client-dynamodb';

/**
 * The AWS SDK's client for requests that a device waits for. What it would do for each of them is done once for each kind
 * (the chain of middleware) or not at all (preparing what is sent and received for a log that nobody set up).
 */
export const dynamodbClient = (): DynamoDBClient => {
  const client = new DynamoDBClient({ cacheMiddleware: true });
  client.middlewareStack.remove('loggerMiddleware');
  return client;
};
