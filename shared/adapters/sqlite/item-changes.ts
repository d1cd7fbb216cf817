import type { Changes, Condition, Item, Key, Value } from '../../ports/table.ts';

/** Whether a condition holds for what is stored. */
export const holds = (when: Condition | undefined, stored: Item | undefined): boolean => {
  if (when === undefined) return true;
  if ('absent' in when) return stored === undefined;
  if (stored === undefined) return false;
  return 'present' in when || Object.entries(when.equals).every(([attribute, value]) => stored[attribute] === value);
};

/** The item after an update. Refuses what DynamoDB refuses, so that a test in memory finds it. */
export const changed = ({ pk, sk }: Key, stored: Item | undefined, { set, remove, add }: Changes): Item => {
  const touched = [...Object.keys(set ?? {}), ...(remove ?? []), ...Object.keys(add ?? {})];
  if (touched.length === 0) throw new TypeError('an update must change something');
  if (new Set(touched).size < touched.length) throw new TypeError('an update changes an attribute twice');
  if (touched.includes('pk') || touched.includes('sk')) throw new TypeError('an update cannot change the key');

  const attributes = new Map<string, Value>(Object.entries({ ...stored, ...set }));
  for (const attribute of remove ?? []) attributes.delete(attribute);
  for (const [attribute, by] of Object.entries(add ?? {})) {
    const before = attributes.get(attribute) ?? 0;
    if (typeof before !== 'number') throw new TypeError(`cannot add to ${attribute}, which is no number`);
    attributes.set(attribute, before + by);
  }
  return { ...Object.fromEntries(attributes), pk, sk };
};

/** DynamoDB, service quotas: a partition key, a sort key, an item. */
const MOST_BYTES = { pk: 2048, sk: 1024, item: 400 * 1024 };

/** The stored text of an item. Throws on what DynamoDB would not take. */
export const itemText = (item: Item): string => {
  requireKey(item);
  if (!['undefined', 'string'].includes(typeof item.dueShard)) throw new TypeError('dueShard must be a string');
  if (!['undefined', 'number'].includes(typeof item.dueAt)) throw new TypeError('dueAt must be a number');
  const text = JSON.stringify(item, (name, value: unknown) => {
    if (!isStorable(value)) throw new TypeError(`attribute ${name} is ${String(value)}, which cannot be stored`);
    return value;
  });
  if (Buffer.byteLength(text) > MOST_BYTES.item)
    throw new RangeError(`the item is larger than ${MOST_BYTES.item} bytes`);
  return text;
};

export const requireKey = (key: Key): void => {
  for (const part of ['pk', 'sk'] as const) {
    const bytes = Buffer.byteLength(key[part]);
    if (bytes < 1 || bytes > MOST_BYTES[part]) throw new RangeError(`${part} must have 1 to ${MOST_BYTES[part]} bytes`);
  }
};

/** Larger numbers the DynamoDB adapter does not take either, for they are not exact. */
const isStorable = (value: unknown): boolean => {
  if (typeof value === 'number') return Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return ['string', 'boolean', 'object'].includes(typeof value) && value !== null;
};
