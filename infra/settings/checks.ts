import { DeploymentError } from './deployment-error.ts';

/** Reads one value of the context: what it means, or a `DeploymentError` that names it. */
export type Check<Value> = (given: unknown, name: string) => Value;

const refuse = (name: string, must: string): never => {
  throw new DeploymentError(`${name} must be ${must}.`);
};

/** Text of this form; `must` says of which, in words for whoever has mistyped it. */
export const textLike =
  (isRight: (text: string) => boolean, must: string): Check<string> =>
  (given, name) =>
    typeof given === 'string' && isRight(given) ? given : refuse(name, must);

export const oneOf =
  <Choice extends string>(...choices: readonly Choice[]): Check<Choice> =>
  (given, name) =>
    choices.find((choice) => choice === given) ?? refuse(name, choices.join(' or '));

/** `-c` gives text, cdk.json may give a number. `orElse`: the word that may stand in its place. */
export const wholeNumber =
  (least: number, most: number, orElse?: string): Check<number> =>
  (given, name) => {
    const number = /^\d{1,6}$/.test(String(given)) ? Number(given) : -1;
    if (number >= least && number <= most) return number;
    return refuse(name, `a whole number from ${least} to ${most}${orElse === undefined ? '' : `, or ${orElse}`}`);
  };

/** `off`, `none` or the like for what is not wanted; else the check. */
export const unless =
  <Value>(word: string, check: Check<Value>): Check<Value | undefined> =>
  (given, name) =>
    given === word ? undefined : check(given, name);

const parsed = (given: unknown): unknown => {
  try {
    return typeof given === 'string' ? JSON.parse(given) : given;
  } catch {
    return undefined;
  }
};

type Fields = { readonly [field: string]: Check<unknown> };
type ValuesOf<Of extends Fields> = { readonly [Field in keyof Of]: ReturnType<Of[Field]> };

/** `-c` gives JSON, cdk.json an object. A field that may be missing has a check that takes `undefined`. */
export const objectOf =
  <Of extends Fields>(word: string, fields: Of): Check<ValuesOf<Of>> =>
  (given, name) => {
    const object = parsed(given);
    const names = Object.keys(fields).join(', ');
    if (typeof object !== 'object' || object === null || Array.isArray(object)) {
      return refuse(name, `${word}, or an object with ${names} (with -c as JSON)`);
    }
    const unknown = Object.keys(object).find((field) => !(field in fields));
    if (unknown !== undefined) throw new DeploymentError(`${name} has no field "${unknown}"; it has ${names}.`);
    const fieldOf = (field: string): unknown => (object as { readonly [name: string]: unknown })[field];
    const values = Object.entries(fields).map(([field, check]) => [field, check(fieldOf(field), `${name}.${field}`)]);
    return Object.fromEntries(values) as ValuesOf<Of>;
  };

/** A field that may be left out. */
export const optional =
  <Value>(check: Check<Value>): Check<Value | undefined> =>
  (given, name) =>
    given === undefined ? undefined : check(given, name);
