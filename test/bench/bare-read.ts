/** The floor of the hot path: a bundle that holds the DynamoDB client alone, and reads what it is told to. */
import { BatchGetItemCommand, type BatchGetItemCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';

const client = new DynamoDBClient();

export const handler = (input: BatchGetItemCommandInput) => client.send(new BatchGetItemCommand(input));
