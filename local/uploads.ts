import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import type { Hono } from 'hono';
import { type BrokerEnv, brokerApp, replyError } from '../shared/adapters/http/app.ts';
import { readQuery } from '../shared/adapters/http/bodies.ts';
import type { Log } from '../shared/ports/log.ts';
import type { Random } from '../shared/ports/random.ts';
import type { UploadDoor } from '../shared/ports/upload-door.ts';
import type { ReceiveUpload } from '../shared/usecases/mail/receive-upload.ts';
import { hashOf, longSecret } from '../shared/usecases/secrets.ts';

/** On one machine the broker itself takes what S3 takes in the cloud, by links that bear a secret. */
export const localUploadDoor = ({ publicUrl, random }: { publicUrl: string; random: Random }): UploadDoor => ({
  async linkTo({ id }) {
    const secret = longSecret(random);
    return { url: `${publicUrl}/v1/uploads/${id}?key=${secret}`, headers: {}, secretHash: hashOf(secret) };
  },
});

/** What is left unread is the server's to drain: whoever is destroyed in the middle of an upload hears no reply. */
const withoutEndingIt = (incoming: IncomingMessage): Readable =>
  Readable.from(incoming.iterator({ destroyOnReturn: false }), { objectMode: false });

/** Straight to the disk, as it comes. */
export const uploadsApp = ({
  receiveUpload,
  log,
  random,
}: {
  receiveUpload: ReceiveUpload;
  log: Log;
  random: Random;
}): Hono<BrokerEnv> => {
  const app = brokerApp({ errorShape: 'problem', log, random, bodyLimitBytes: 'none' });
  app.put('/v1/uploads/:upload_id', async (c) => {
    const query = readQuery(c);
    if (!query.ok) return replyError(c, query.error);
    const { incoming } = c.env as unknown as { readonly incoming: IncomingMessage };
    const received = await receiveUpload({
      uploadId: c.req.param('upload_id'),
      secret: query.value.key ?? '',
      content: withoutEndingIt(incoming),
    });
    return received.ok ? c.body(null) : replyError(c, received.error);
  });
  return app;
};
