import { filesystemBlobStore } from '../../../shared/adapters/filesystem/filesystem-blob-store.ts';

/** Writes contents below the folder named by the first argument until it is killed; says each number once durable. */
const blobs = filesystemBlobStore(process.argv[2] ?? '');
for (let n = 0; ; n++) {
  await blobs.put(`spool/${n}.eml`, Buffer.alloc(300_000, n % 256));
  process.stdout.write(`${n}\n`);
}
