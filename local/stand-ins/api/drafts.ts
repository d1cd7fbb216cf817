import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nameOf, octetsOf } from '../../../shared/adapters/mime/fields.ts';
import { openMessage } from '../../../shared/adapters/mime/message-head.ts';
import { headerText, outgoingFields, type ReadHeader, readHeader } from './mime-header.ts';

export interface Attachment {
  readonly name: string;
  readonly contentType: string;
  readonly contentId: string | undefined;
  readonly isInline: boolean;
  readonly sizeBytes: number;
  readonly path: string;
}

export interface Draft {
  readonly id: string;
  readonly user: string;
  /** Asked for with `Prefer: IdType="ImmutableId"`, so that it is still its id when it is sent. */
  readonly isImmutable: boolean;
  readonly path: string;
  readonly header: ReadHeader;
  internetMessageId: string;
  readonly attachments: Attachment[];
  isSent: boolean;
}

/** Folds base64 to lines of 76 (RFC 2045 section 6.8). */
const base64Lines = async function* (content: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  let held: Buffer = Buffer.alloc(0);
  const lines = (bytes: Buffer): Buffer =>
    Buffer.from(
      bytes
        .toString('base64')
        .replace(/.{76}(?=.)/g, '$&\r\n')
        .concat('\r\n'),
    );
  for await (const chunk of content) {
    const bytes = Buffer.concat([held, chunk]);
    const whole = bytes.length - (bytes.length % 57);
    if (whole > 0) yield lines(bytes.subarray(0, whole));
    held = bytes.subarray(whole);
  }
  if (held.length > 0) yield lines(held);
};

/** Drafts of all mailboxes, each a file and the files of its attachments. */
export const draftStore = (folder: string) => {
  const drafts = new Map<string, Draft>();
  const newPath = (): string => join(folder, `${randomBytes(12).toString('hex')}.part`);

  const remove = async (draft: Draft): Promise<void> => {
    for (const { path } of [draft, ...draft.attachments]) await rm(path, { force: true });
  };

  /** The message as Exchange would make it of the draft: the MIME as it came, with the attachments behind it. */
  const contentOf = async function* ({ path, header, attachments, internetMessageId }: Draft): AsyncIterable<Buffer> {
    const { rest } = await openMessage(createReadStream(path));
    const fields = outgoingFields(header.fields).filter((field) => nameOf(field) !== 'message-id');
    const all = [...fields, octetsOf(`Message-ID: ${internetMessageId}`)];
    if (attachments.length === 0) {
      yield headerText(all);
      yield* rest;
      return;
    }
    const boundary = `_stand-in_${randomBytes(12).toString('hex')}`;
    const isContent = (field: string): boolean => nameOf(field).startsWith('content-');
    yield headerText([
      ...all.filter((field) => !isContent(field)),
      `Content-Type: multipart/mixed; boundary="${boundary}"`,
    ]);
    yield Buffer.from(`\r\n--${boundary}\r\n`);
    yield headerText(all.filter(isContent));
    yield* rest;
    for (const attachment of attachments) {
      const { name, contentType, contentId, isInline } = attachment;
      const fileName = `filename*=utf-8''${encodeURIComponent(name)}`;
      const id = contentId === undefined ? '' : `Content-ID: <${contentId}>\r\n`;
      yield Buffer.from(
        `\r\n--${boundary}\r\nContent-Type: ${contentType}\r\nContent-Transfer-Encoding: base64\r\n${id}` +
          `Content-Disposition: ${isInline ? 'inline' : 'attachment'}; ${fileName}\r\n\r\n`,
      );
      yield* base64Lines(createReadStream(attachment.path));
    }
    yield Buffer.from(`\r\n--${boundary}--\r\n`);
  };

  return {
    newPath,
    contentOf,
    async create(user: string, mime: Buffer, isImmutable: boolean): Promise<Draft> {
      await mkdir(folder, { recursive: true });
      const path = newPath();
      await writeFile(path, mime, { mode: 0o600 });
      const { header } = await openMessage(createReadStream(path));
      const read = readHeader(header);
      const draft: Draft = {
        id: `AAMk${randomBytes(45).toString('base64').replaceAll('/', '-')}=`,
        user,
        isImmutable,
        path,
        header: read,
        internetMessageId: read.messageId ?? `<${randomBytes(12).toString('hex')}@stand-in.contoso.example>`,
        attachments: [],
        isSent: false,
      };
      drafts.set(draft.id, draft);
      return draft;
    },
    get: (user: string, id: string): Draft | undefined => {
      const draft = drafts.get(id);
      return draft?.user === user && (!draft.isSent || draft.isImmutable) ? draft : undefined;
    },
    list: (user: string): readonly Draft[] =>
      [...drafts.values()].filter((draft) => draft.user === user && !draft.isSent),
    count: (): number => [...drafts.values()].filter(({ isSent }) => !isSent).length,
    async delete(draft: Draft): Promise<void> {
      drafts.delete(draft.id);
      await remove(draft);
    },
    async sent(draft: Draft): Promise<void> {
      draft.isSent = true;
      await remove(draft);
    },
  };
};

export type DraftStore = ReturnType<typeof draftStore>;
