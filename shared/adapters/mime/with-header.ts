import type { Readable } from 'node:stream';
import { type Field, fieldsOf } from './fields.ts';
import { repairField } from './header-repair.ts';
import { openMessage } from './message-head.ts';
import { madeOf } from './streams.ts';

/** The message under this header, mended; from the empty line on as it is. */
export const withHeader = (content: Readable, header: (fields: readonly Field[]) => readonly Field[]): Readable => {
  const pieces = async function* (): AsyncGenerator<Buffer> {
    const message = await openMessage(content);
    const fields = header(fieldsOf(message.header)).map((field) => repairField(field) ?? field);
    yield Buffer.from(fields.map((field) => `${field}\r\n`).join(''), 'latin1');
    yield* message.rest;
  };
  return madeOf(content, pieces());
};
