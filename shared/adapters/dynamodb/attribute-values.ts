import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { Item, Key, Value } from '../../ports/table.ts';

/**
 * Values as DynamoDB writes them (API reference, AttributeValue). Used with the plain client: the document client builds its
 * middleware anew for every request, which costs a warm fetch more than all of the broker's own work.
 */
export type AttributeValues = Record<string, AttributeValue>;

export const toAttributeValues = (values: { readonly [attribute: string]: Value }): AttributeValues => marshall(values);

/** Callers may pass a whole item for a key; DynamoDB takes the key's attributes alone. */
export const keyOf = ({ pk, sk }: Key): AttributeValues => toAttributeValues({ pk, sk });

/** Everything in the table was written through the port, so that its values are the port's. */
export const toItem = (attributes: AttributeValues): Item => {
  const { pk, sk, ...values } = unmarshall(attributes);
  if (typeof pk !== 'string' || typeof sk !== 'string') throw new Error('DynamoDB sent an item without its key');
  return { pk, sk, ...values };
};
