import { type Field, nameOf, rawValueOf } from './fields.ts';

/** `name=value` of a Content-Type or Content-Disposition field (RFC 2045 section 5.1). */
export interface Parameter {
  /** As it was written. */
  readonly name: string;
  /** Without its quotes. */
  readonly value: string;
}

export interface ParameterizedValue {
  /** What stands before the first semicolon. */
  readonly main: string;
  readonly parameters: readonly Parameter[];
}

const PARAMETER =
  /\s*;\s*(?:(?<name>[^\s"=;()<>@,\\/[\]?]+)\s*=\s*(?:"(?<quoted>(?:[^"\\]|\\.)*)"|(?<plain>[^\s";]*)))?/suy;

/** Undefined where the value is not of that form to its end. */
export const parametersOf = (value: string): ParameterizedValue | undefined => {
  const main = /^[^;"]*/u.exec(value)?.[0] ?? '';
  const parameters: Parameter[] = [];
  const pattern = new RegExp(PARAMETER);
  pattern.lastIndex = main.length;
  while (pattern.lastIndex < value.length) {
    const at = pattern.lastIndex;
    const found = pattern.exec(value)?.groups;
    if (found === undefined) return value.slice(at).trim() === '' ? { main, parameters } : undefined;
    const { name, quoted, plain } = found;
    if (name !== undefined) parameters.push({ name, value: quoted?.replace(/\\(.)/gsu, '$1') ?? plain ?? '' });
  }
  return { main, parameters };
};

/** What the header of a part says of its content (RFC 2045 sections 5 and 6). */
export interface ContentHeader {
  /** `text/plain`, also where nothing is said. */
  readonly mediaType: string;
  readonly hasType: boolean;
  readonly boundary: string | undefined;
  /** `7bit`, also where nothing is said. */
  readonly encoding: string;
}

/** RFC 2046 section 5.1.1. A longer one is none, so that comparing lines with it costs next to nothing. */
export const BOUNDARY_LIMIT = 70;

/** It never ends in a blank, which some relays would take off (RFC 2046 section 5.1.1). */
const boundaryOf = (value = ''): string | undefined =>
  value.length > BOUNDARY_LIMIT ? undefined : value.replace(/[ \t]+$/u, '') || undefined;

const DEFAULT_TYPE = 'text/plain';
const MEDIA_TYPE = /^\s*([^\s;/()]+\/[^\s;/()]+)/u;

export const contentHeaderOf = (fields: readonly Field[]): ContentHeader => {
  const first = (name: string): string | undefined => {
    const field = fields.find((one) => nameOf(one) === name);
    return field === undefined ? undefined : rawValueOf(field);
  };
  const type = first('content-type');
  const boundary = parametersOf(type ?? '')?.parameters.find(({ name }) => name.toLowerCase() === 'boundary')?.value;
  const encoding = /[^\s;()]+/u.exec(first('content-transfer-encoding') ?? '')?.[0];
  return {
    mediaType: (MEDIA_TYPE.exec(type ?? '')?.[1] ?? DEFAULT_TYPE).toLowerCase(),
    hasType: type !== undefined,
    boundary: boundaryOf(boundary),
    encoding: (encoding ?? '7bit').toLowerCase(),
  };
};

/** Those that leave the content as it is (RFC 2045 section 6.2). */
export const isIdentity = (encoding: string): boolean =>
  encoding === '7bit' || encoding === '8bit' || encoding === 'binary';
