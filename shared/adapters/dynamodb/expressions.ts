import type { Changes, Condition, Item, Key, Value, Write } from '../../ports/table.ts';
import { type AttributeValues, keyOf, toAttributeValues } from './attribute-values.ts';

/** Expressions name every attribute by placeholder: hundreds of plain words are reserved (developer guide, appendix). */
export interface Placeholders {
  name(attribute: string): string;
  value(value: Value): string;
  /** The two maps, each left out when empty, as DynamoDB demands. */
  maps(): {
    ExpressionAttributeNames?: Record<string, string>;
    ExpressionAttributeValues?: AttributeValues;
  };
}

export const placeholders = (): Placeholders => {
  const names = new Map<string, string>();
  const values: Value[] = [];
  return {
    name: (attribute) => {
      const known = names.get(attribute) ?? `#n${names.size}`;
      names.set(attribute, known);
      return known;
    },
    value: (value) => `:v${values.push(value) - 1}`,
    maps: () => ({
      ...(names.size > 0 && {
        ExpressionAttributeNames: Object.fromEntries([...names].map(([attribute, name]) => [name, attribute])),
      }),
      ...(values.length > 0 && {
        ExpressionAttributeValues: toAttributeValues(
          Object.fromEntries(values.map((value, index) => [`:v${index}`, value])),
        ),
      }),
    }),
  };
};

const conditionExpression = (when: Condition, { name, value }: Placeholders): string => {
  if ('absent' in when) return `attribute_not_exists(${name('pk')})`;
  const exists = `attribute_exists(${name('pk')})`;
  if ('present' in when) return exists;
  const equals = Object.entries(when.equals).map(([attribute, wanted]) => `${name(attribute)} = ${value(wanted)}`);
  return [exists, ...equals].join(' AND ');
};

const updateExpression = ({ set, remove, add }: Changes, { name, value }: Placeholders): string => {
  const clauses = {
    SET: Object.entries(set ?? {}).map(([attribute, to]) => `${name(attribute)} = ${value(to)}`),
    REMOVE: (remove ?? []).map(name),
    ADD: Object.entries(add ?? {}).map(([attribute, by]) => `${name(attribute)} ${value(by)}`),
  };
  const expression = Object.entries(clauses)
    .filter(([, parts]) => parts.length > 0)
    .map(([keyword, parts]) => `${keyword} ${parts.join(', ')}`)
    .join(' ');
  if (expression === '') throw new TypeError('an update must change something');
  return expression;
};

const conditionOf = (when: Condition | undefined, names: Placeholders) =>
  when === undefined ? {} : { ConditionExpression: conditionExpression(when, names) };

export const putInput = (TableName: string, { put, when }: { put: Item; when?: Condition }) => {
  const names = placeholders();
  return { TableName, Item: toAttributeValues(put), ...conditionOf(when, names), ...names.maps() };
};

export const updateInput = (
  TableName: string,
  { update, changes, when }: { update: Key; changes: Changes; when?: Condition },
) => {
  const names = placeholders();
  const UpdateExpression = updateExpression(changes, names);
  return { TableName, Key: keyOf(update), UpdateExpression, ...conditionOf(when, names), ...names.maps() };
};

export const deleteInput = (TableName: string, write: { delete: Key; when?: Condition }) => {
  const names = placeholders();
  return { TableName, Key: keyOf(write.delete), ...conditionOf(write.when, names), ...names.maps() };
};

export const checkInput = (TableName: string, { check, when }: { check: Key; when: Condition }) => {
  const names = placeholders();
  const ConditionExpression = conditionExpression(when, names);
  return { TableName, Key: keyOf(check), ConditionExpression, ...names.maps() };
};

export const transactItem = (tableName: string, write: Write) => {
  if ('put' in write) return { Put: putInput(tableName, write) };
  if ('update' in write) return { Update: updateInput(tableName, write) };
  if ('delete' in write) return { Delete: deleteInput(tableName, write) };
  return { ConditionCheck: checkInput(tableName, write) };
};
