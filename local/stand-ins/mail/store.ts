import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import { Readable } from 'node:stream';
import { makeFolder, syncFolder } from '../../../shared/adapters/filesystem/durable-file.ts';
import { timeSortedId } from '../../../shared/domain/identifiers.ts';
import { isProviderName, type ProviderName } from '../../../shared/domain/provider.ts';
import { headerOf, readMessage } from './message-parts.ts';

/** What is known of a message before its content. */
export interface Delivery {
  readonly provider: ProviderName;
  /** Who signed in. */
  readonly user: string;
  readonly envelopeFrom: string;
  readonly envelopeTo: readonly string[];
  /** `TLSv1.3` */
  readonly tlsVersion: string;
  readonly cipher: string;
  /** SASL mechanism. */
  readonly mechanism: string;
}

export interface ReceivedMessage extends Delivery {
  /** Sorts by time of arrival. */
  readonly id: string;
  /** The `From` and `Subject` header fields, decoded. */
  readonly from: string;
  readonly subject: string;
  readonly sizeBytes: number;
  /** Hexadecimal, of the exact bytes. */
  readonly sha256: string;
  /** RFC 3339, UTC. */
  readonly receivedAt: string;
}

/** A message on disk that is not yet listed. */
export interface Draft {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  /** The first bytes, for the header. */
  readonly head: Buffer;
}

const TABLE = `CREATE TABLE IF NOT EXISTS stand_in_messages (
  id TEXT PRIMARY KEY, provider TEXT NOT NULL, user TEXT NOT NULL, envelope_from TEXT NOT NULL,
  envelope_to TEXT NOT NULL, tls_version TEXT NOT NULL, cipher TEXT NOT NULL, mechanism TEXT NOT NULL,
  header_from TEXT NOT NULL, subject TEXT NOT NULL, size_bytes INTEGER NOT NULL, sha256 TEXT NOT NULL,
  received_at TEXT NOT NULL) WITHOUT ROWID`;

/** Longer headers are cut for the list; the message itself is not. */
const HEAD_BYTES = 64 * 1024;

/** Messages byte for byte, one file each, listed in the database once they are durable. */
export const mailStore = async (database: DatabaseSync, folder: string) => {
  database.exec(TABLE);
  await makeFolder(folder);
  for (const name of await readdir(folder)) {
    if (name.endsWith('.part')) await rm(join(folder, name));
  }
  const insert = database.prepare(`INSERT INTO stand_in_messages VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const selectAll = database.prepare('SELECT * FROM stand_in_messages ORDER BY id DESC');
  const selectOne = database.prepare('SELECT * FROM stand_in_messages WHERE id = ?');
  const pathOf = (id: string): string => join(folder, `${id}.eml`);

  const get = (id: string): ReceivedMessage | undefined => {
    const row = selectOne.get(id);
    return row && messageOf(row);
  };

  return {
    /** Reads to the end; durable when it resolves, but not listed. */
    receive: async (content: Readable): Promise<Draft> => {
      const path = join(folder, `${randomBytes(12).toString('hex')}.part`);
      const file = await open(path, 'wx', 0o600);
      const hash = createHash('sha256');
      const head: Buffer[] = [];
      let sizeBytes = 0;
      try {
        for await (const chunk of content as AsyncIterable<Buffer>) {
          if (sizeBytes < HEAD_BYTES) head.push(chunk);
          sizeBytes += chunk.length;
          hash.update(chunk);
          await file.writeFile(chunk);
        }
        await file.sync();
      } catch (error) {
        // The client went away in the middle.
        await rm(path, { force: true });
        throw error;
      } finally {
        await file.close();
      }
      return { path, sizeBytes, sha256: hash.digest('hex'), head: Buffer.concat(head).subarray(0, HEAD_BYTES) };
    },
    discard: ({ path }: Draft): Promise<void> => rm(path, { force: true }),
    /** Lists the draft; it survives anything once this resolves. */
    keep: async (draft: Draft, delivery: Delivery): Promise<ReceivedMessage> => {
      const now = Date.now();
      const summary = await readMessage(Readable.from([draft.head]));
      const message: ReceivedMessage = {
        ...delivery,
        id: timeSortedId('msg', now, randomBytes),
        from: headerOf(summary, 'from'),
        subject: headerOf(summary, 'subject'),
        sizeBytes: draft.sizeBytes,
        sha256: draft.sha256,
        receivedAt: new Date(now).toISOString(),
      };
      await rename(draft.path, pathOf(message.id));
      await syncFolder(folder);
      const { id, provider, user, envelopeFrom, envelopeTo, tlsVersion, cipher, mechanism, from, subject } = message;
      const to = JSON.stringify(envelopeTo);
      const { sizeBytes, sha256, receivedAt } = message;
      insert.run(
        id,
        provider,
        user,
        envelopeFrom,
        to,
        tlsVersion,
        cipher,
        mechanism,
        from,
        subject,
        sizeBytes,
        sha256,
        receivedAt,
      );
      return message;
    },
    /** Newest first. */
    list: (): readonly ReceivedMessage[] => selectAll.all().map(messageOf),
    get,
    /** The exact bytes. */
    open: (id: string): Readable | undefined => (get(id) === undefined ? undefined : createReadStream(pathOf(id))),
  };
};

export type MailStore = Awaited<ReturnType<typeof mailStore>>;

const messageOf = (row: Record<string, SQLOutputValue>): ReceivedMessage => {
  const provider = String(row.provider);
  return {
    id: String(row.id),
    provider: isProviderName(provider) ? provider : 'microsoft',
    user: String(row.user),
    envelopeFrom: String(row.envelope_from),
    envelopeTo: JSON.parse(String(row.envelope_to)) as string[],
    tlsVersion: String(row.tls_version),
    cipher: String(row.cipher),
    mechanism: String(row.mechanism),
    from: String(row.header_from),
    subject: String(row.subject),
    sizeBytes: Number(row.size_bytes),
    sha256: String(row.sha256),
    receivedAt: String(row.received_at),
  };
};
