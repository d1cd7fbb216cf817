import assert from 'node:assert/strict';
import type { Reply } from './support.ts';

/** The notation of docs/device-guide.md, which says at its top what it means. */

/** What stood for a placeholder when it was last met. */
export type Memory = Map<string, string>;

export interface Sample {
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
  readonly reply: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
  };
}

/** What the page tells in order: a request with its reply, or what somebody does meanwhile. */
export type Step = { readonly sample: Sample } | { readonly meanwhile: string };

const STEP = /^```http\n([\s\S]*?)^```$|^\*Meanwhile\* (.*)$/gm;

export const stepsOf = (page: string): readonly Step[] =>
  [...page.matchAll(STEP)].map(([, block, meanwhile = '']) =>
    block === undefined ? { meanwhile } : { sample: sampleOf(block) },
  );

/** Start line, header fields, and what comes after the first empty line. */
const messageOf = (text: string) => {
  const [head = '', ...rest] = text.trim().split('\n\n');
  const [start = '', ...lines] = head.split('\n');
  const headers = lines.map((line) => line.split(/: (.*)/s).slice(0, 2));
  return { start, headers: Object.fromEntries(headers) as Record<string, string>, body: rest.join('\n\n') };
};

const sampleOf = (block: string): Sample => {
  const [asked, answered, ...none] = block.split(/^HTTP\/1\.1 /m);
  if (asked === undefined || answered === undefined || none.length > 0)
    throw new Error(`no request and reply:\n${block}`);
  const [request, reply] = [messageOf(asked), messageOf(answered)];
  const [method = '', path = ''] = request.start.split(' ');
  return { request: { ...request, method, path }, reply: { ...reply, status: Number(reply.start) } };
};

/** A request's text with what is remembered in the placeholders' place. */
export const filledIn = (text: string, memory: Memory): string =>
  text.replace(/<(\w+)>/g, (placeholder, name: string) => {
    const value = memory.get(name);
    if (value === undefined) throw new Error(`no reply has told ${placeholder} yet`);
    return value;
  });

/** Stands for a number's placeholder and for further members in the JSON that is made of a sample's text. */
const [NUMBER, MORE] = ['\u0000number ', '\u0000more'];

/** A sample's JSON as a value: `<name>` without quotes and `…` are not JSON. */
const patternOf = (text: string): unknown =>
  JSON.parse(
    text
      .replace(/: <(\w+)>/g, (_, name: string) => `: ${JSON.stringify(NUMBER + name)}`)
      .replace(/([{,]\s*)…/g, (_, before: string) => `${before}${JSON.stringify(MORE)}: true`),
  );

/** Compares, and remembers what the placeholders stand for. */
const compare = (actual: unknown, pattern: unknown, where: string, memory: Memory): void => {
  if (typeof pattern === 'string' && pattern.startsWith(NUMBER)) {
    assert.ok(Number.isInteger(actual), `${where} is a number: ${actual}`);
    memory.set(pattern.slice(NUMBER.length), String(actual));
  } else if (typeof pattern === 'string') {
    assert.equal(typeof actual, 'string', `${where} is a text`);
    compareText(String(actual), pattern, where, memory);
  } else if (Array.isArray(pattern)) {
    assert.ok(Array.isArray(actual) && actual.length === pattern.length, `${where}: ${JSON.stringify(actual)}`);
    for (const [place, item] of pattern.entries()) compare(actual[place], item, `${where}[${place}]`, memory);
  } else if (typeof pattern === 'object' && pattern !== null) {
    assert.ok(typeof actual === 'object' && actual !== null, `${where} is an object`);
    const { [MORE]: more, ...members } = pattern as Record<string, unknown>;
    const names = Object.keys(actual).filter((name) => more === undefined || name in members);
    assert.deepEqual(names.sort(), Object.keys(members).sort(), `the names of ${where}`);
    for (const [name, item] of Object.entries(members)) {
      compare((actual as Record<string, unknown>)[name], item, `${where}.${name}`, memory);
    }
  } else assert.equal(actual, pattern, where);
};

const literally = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

const compareText = (actual: string, pattern: string, where: string, memory: Memory): void => {
  const parts = pattern.split(/<(\w+)>/);
  const source = parts.map((part, place) => (place % 2 === 1 ? '([^]+)' : literally(part))).join('');
  const found = new RegExp(`^${source}$`).exec(actual);
  assert.ok(found, `${where} is ${JSON.stringify(actual)}, not like ${JSON.stringify(pattern)}`);
  for (const [place, value] of found.slice(1).entries()) memory.set(parts[2 * place + 1] ?? '', value);
};

export const compareReply = ({ reply }: Sample, actual: Reply, memory: Memory): void => {
  assert.equal(actual.status, reply.status, actual.text);
  for (const [name, value] of Object.entries(reply.headers)) {
    compareText(actual.headers.get(name) ?? '', value, name, memory);
  }
  if (!reply.body.startsWith('{')) {
    if (reply.body === '') assert.equal(actual.text, '');
    else compareText(actual.text, reply.body, 'the body', memory);
    return;
  }
  assert.match(actual.headers.get('content-type') ?? '', /^application\/json\b/);
  compare(JSON.parse(actual.text), patternOf(reply.body), 'the reply', memory);
};
