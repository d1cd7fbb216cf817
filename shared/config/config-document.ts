import * as v from 'valibot';
import { inputProblem } from '../domain/input-problem.ts';

/** A setting that does not fit. The message says which, and what to do; it never repeats a value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

/** Checked JSON. Throws `ConfigError`, naming the source and each field that does not fit. */
export const parseDocument = <Schema extends v.GenericSchema>(schema: Schema, text: string, source: string) => {
  let json: unknown;
  try {
    // Editors on Windows put a byte order mark first (RFC 8259 section 8.1 lets readers pass over it).
    json = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch {
    throw new ConfigError(`${source} is not JSON.`);
  }
  if (Array.isArray(json)) throw new ConfigError(`${source}: the document must be an object.`);
  const parsed = v.safeParse(schema, json);
  if (parsed.success) return parsed.output;
  const problems = parsed.issues.map((issue) => {
    return `${v.getDotPath(issue) ?? 'the document'} ${inputProblem(issue)}`;
  });
  throw new ConfigError(`${source}: ${problems.join('; ')}.`);
};
