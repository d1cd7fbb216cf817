import { isDeepStrictEqual } from 'node:util';
import { AwsError, type AwsReply, type AwsRequest, type JsonObject } from './aws-json.ts';

type Forward = (request: AwsRequest) => Promise<AwsReply>;

interface Action {
  readonly kind: 'Put' | 'Update' | 'Delete' | 'ConditionCheck';
  readonly input: JsonObject;
  readonly key: JsonObject;
}

interface Reason {
  readonly Code: string;
  readonly Message?: string;
}

/**
 * TransactWriteItems (API reference) for an emulator without it, for tables whose key is `pk` and `sk`. The caller sees
 * to it that nothing else reads or writes meanwhile. Actions are carried out one by one; if any is refused, what the
 * others did is undone, and the answer names a reason for each, as AWS does.
 */
export const makeTransactWriteItems = (forward: Forward) => {
  const done = new Map<string, unknown>();

  return async (request: AwsRequest): Promise<AwsReply> => {
    const { ClientRequestToken: token, TransactItems: items } = request.input;
    if (typeof token === 'string' && done.has(token)) {
      if (isDeepStrictEqual(done.get(token), items)) return { status: 200, body: {} };
      throw new AwsError('IdempotentParameterMismatchException', 'The token was used with other parameters');
    }
    const actions = parseActions(items);
    const call = (operation: string, input: JsonObject) => forward(asRequest(request, operation, input));
    const undo: (() => Promise<unknown>)[] = [];
    const reasons: Reason[] = [];
    for (const action of actions) {
      const before = await stored(call, action);
      const reply = await carryOut(call, action, before);
      if (reply.status === 200) undo.push(() => restore(call, action, before));
      reasons.push(reasonOf(reply));
    }
    if (reasons.every(({ Code }) => Code === 'None')) {
      if (typeof token === 'string') done.set(token, items);
      return { status: 200, body: {} };
    }
    for (const step of undo) await step();
    const codes = reasons.map(({ Code }) => Code).join(', ');
    throw new AwsError(
      'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
      `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`,
      { CancellationReasons: reasons },
    );
  };
};

type Call = (operation: string, input: JsonObject) => Promise<AwsReply>;

const parseActions = (items: unknown): Action[] => {
  if (!Array.isArray(items) || items.length < 1 || items.length > 100) {
    throw validation('Member must have length between 1 and 100');
  }
  const actions = items.map((item: JsonObject): Action => {
    for (const kind of ['Put', 'Update', 'Delete', 'ConditionCheck'] as const) {
      const input = item[kind];
      if (isObject(input)) return { kind, input, key: keyOf(kind === 'Put' ? input.Item : input.Key) };
    }
    throw validation('TransactItems can only contain one of Check, Put, Update or Delete');
  });
  const names = new Set(actions.map(({ key, input }) => JSON.stringify([input.TableName, key])));
  if (names.size < actions.length) {
    throw validation('Transaction request cannot include multiple operations on one item');
  }
  for (const { kind, input } of actions) {
    if (kind === 'Update' && input.UpdateExpression === undefined)
      throw validation('UpdateExpression must not be null');
    if (kind === 'ConditionCheck' && input.ConditionExpression === undefined) {
      throw validation('ConditionExpression must not be null');
    }
  }
  return actions;
};

const stored = async (call: Call, { input, key }: Action): Promise<JsonObject | undefined> => {
  const reply = await call('GetItem', { TableName: input.TableName, Key: key, ConsistentRead: true });
  if (reply.status !== 200) throw new Error(`GetItem: ${reply.body}`);
  const { Item } = JSON.parse(String(reply.body));
  return Item;
};

/** A check writes what is there already, or deletes what is not there. */
const carryOut = (call: Call, { kind, input, key }: Action, before: JsonObject | undefined): Promise<AwsReply> => {
  if (kind !== 'ConditionCheck') return call(`${kind}Item`, input);
  const { Key: _, ...condition } = input;
  return before === undefined
    ? call('DeleteItem', { ...condition, Key: key })
    : call('PutItem', { ...condition, Item: before });
};

const restore = (call: Call, { input, key }: Action, before: JsonObject | undefined): Promise<AwsReply> =>
  before === undefined
    ? call('DeleteItem', { TableName: input.TableName, Key: key })
    : call('PutItem', { TableName: input.TableName, Item: before });

const reasonOf = ({ status, body }: AwsReply): Reason => {
  if (status === 200) return { Code: 'None' };
  const error = JSON.parse(String(body));
  const Message = String(error.message ?? error.Message);
  const isCondition = String(error.__type).endsWith('ConditionalCheckFailedException');
  return { Code: isCondition ? 'ConditionalCheckFailed' : 'ValidationError', Message };
};

const asRequest = ({ headers }: AwsRequest, operation: string, input: JsonObject): AwsRequest => ({
  operation,
  input,
  body: Buffer.from(JSON.stringify(input)),
  headers: { ...headers, 'x-amz-target': `DynamoDB_20120810.${operation}` },
});

const keyOf = (attributes: unknown): JsonObject => {
  if (!isObject(attributes)) throw validation('The key must not be null');
  return { pk: attributes.pk, sk: attributes.sk };
};

const isObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null;

const validation = (message: string): AwsError =>
  new AwsError('com.amazon.coral.validate#ValidationException', message);
