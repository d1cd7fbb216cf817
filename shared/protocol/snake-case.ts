import * as v from 'valibot';

type Rename = (name: string) => string;

const snake: Rename = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const camel: Rename = (name) => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

const renamed = (value: unknown, rename: Rename): unknown => {
  if (Array.isArray(value)) return value.map((one) => renamed(one, rename));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [rename(name), renamed(one, rename)]));
};

/** A domain object in wire spelling. For objects of which every name is a field's, none a piece of data. */
export const inSnakeCase = (value: object): object => renamed(value, snake) as object;

/** JSON in wire spelling, by a schema in the domain's. */
export const fromSnakeCase = <Schema extends v.GenericSchema>(schema: Schema) =>
  v.pipe(
    v.unknown(),
    v.transform((value) => renamed(value, camel)),
    schema,
  );
