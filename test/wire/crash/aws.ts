import { tableDefinition } from '../../../shared/adapters/dynamodb/table-definition.ts';
import { startDynamodb } from '../../fakes/dynamodb.ts';
import { startSecretsManager } from '../../fakes/secrets-manager.ts';

/** DynamoDB and Secrets Manager in a process of their own, until its standard input ends: they are half of the work. */
const dynamodb = await startDynamodb();
await dynamodb.createTable(tableDefinition(process.argv[2] ?? ''));
const secretsManager = await startSecretsManager();
process.stdout.write(`${JSON.stringify({ dynamodb: dynamodb.endpoint, secretsManager: secretsManager.endpoint })}\n`);
for await (const _ of process.stdin);
await Promise.all([dynamodb.close(), secretsManager.close()]);
