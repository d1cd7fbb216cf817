import { CreateTableCommand, type CreateTableCommandInput, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import {
  type AwsReply,
  type AwsRequest,
  close,
  type Emulator,
  type InjectFault,
  LOOPBACK_CLIENT,
  listen,
  serveAwsJson,
} from './aws-json.ts';
import { makeTransactWriteItems } from './dynamodb-transactions.ts';
import { forwardAwsJson } from './forward-aws-json.ts';

const WRITES = new Set(['PutItem', 'UpdateItem', 'DeleteItem', 'BatchWriteItem', 'TransactWriteItems']);

export interface DynamodbEmulator extends Emulator {
  createTable(definition: CreateTableCommandInput): Promise<void>;
}

/**
 * dynalite behind a proxy that adds TransactWriteItems: every write waits its turn, and while a transaction is under way
 * so does every read, so nobody sees a part of one. Kinder than AWS: index reads are consistent, and a transaction makes
 * others wait where AWS answers TransactionConflict; inject that with `injectFault`.
 */
export const startDynamodb = async (options: { injectFault?: InjectFault } = {}): Promise<DynamodbEmulator> => {
  const backend = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const backendPort = await listen(backend);
  const { forward, close: closeForward } = forwardAwsJson(backendPort);
  const transactWriteItems = makeTransactWriteItems(forward);
  let lastWrite: Promise<unknown> = Promise.resolve();
  let transaction: Promise<unknown> = Promise.resolve();

  const inTurn = (work: () => Promise<AwsReply>): Promise<AwsReply> => {
    const turn = lastWrite.then(work);
    lastWrite = turn.catch(() => undefined); // the one who asked hears of it
    return turn;
  };

  const answer = async (request: AwsRequest): Promise<AwsReply> => {
    if (request.operation === 'TransactWriteItems') {
      const turn = inTurn(() => transactWriteItems(request));
      transaction = turn.catch(() => undefined);
      return turn;
    }
    if (WRITES.has(request.operation)) return inTurn(() => forward(request));
    await transaction;
    return forward(request);
  };

  const proxy = await serveAwsJson('application/x-amz-json-1.0', answer, options.injectFault);
  return {
    endpoint: proxy.endpoint,
    async createTable(definition) {
      const client = new DynamoDBClient({ ...LOOPBACK_CLIENT, endpoint: proxy.endpoint });
      await client.send(new CreateTableCommand(definition));
      client.destroy();
    },
    async close() {
      await proxy.close();
      closeForward();
      await close(backend);
    },
  };
};
