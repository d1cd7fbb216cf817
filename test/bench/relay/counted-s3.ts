import { createServer } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { type Emulator, listen } from '../../fakes/aws-json.ts';

/** As S3's price list has them: a put is a put, copy, post or list; deleting is free. */
export type Charge = 'put' | 'get' | 'free';

export const CHARGES = {
  PutObject: 'put',
  CreateMultipartUpload: 'put',
  UploadPart: 'put',
  CompleteMultipartUpload: 'put',
  GetObject: 'get',
  DeleteObject: 'free',
} as const satisfies Record<string, Charge>;

export type S3Operation = keyof typeof CHARGES;

export interface CountedS3 extends Emulator {
  /** The requests since the last time. */
  take(): readonly S3Operation[];
}

const operationOf = (method = '', query: URLSearchParams): S3Operation => {
  if (method === 'PUT') return query.has('partNumber') ? 'UploadPart' : 'PutObject';
  if (method === 'POST') return query.has('uploads') ? 'CreateMultipartUpload' : 'CompleteMultipartUpload';
  if (method === 'GET') return 'GetObject';
  if (method === 'DELETE') return 'DeleteObject';
  throw new Error(`the broker has no use for ${method} at S3`);
};

const xml = (name: string, fields: Readonly<Record<string, string>>): string => {
  const inside = Object.entries(fields).map(([field, value]) => `<${field}>${value}</${field}>`);
  return `<${name}>${inside.join('')}</${name}>`;
};

/** As much of S3 as the broker asks for, with contents in memory, and every request noted. No signature is looked at. */
export const startCountedS3 = async (): Promise<CountedS3> => {
  const objects = new Map<string, Buffer>();
  const parts: Buffer[] = [];
  let noted: S3Operation[] = [];

  const answer = (operation: S3Operation, key: string, body: Buffer): { status?: number; body?: Buffer | string } => {
    switch (operation) {
      case 'PutObject':
        objects.set(key, body);
        return {};
      case 'CreateMultipartUpload':
        parts.length = 0;
        return { body: xml('InitiateMultipartUploadResult', { UploadId: 'upload' }) };
      case 'UploadPart':
        parts.push(body);
        return {};
      case 'CompleteMultipartUpload':
        objects.set(key, Buffer.concat(parts));
        return { body: xml('CompleteMultipartUploadResult', { ETag: 'whole' }) };
      case 'GetObject': {
        const found = objects.get(key);
        return found ? { body: found } : { status: 404, body: xml('Error', { Code: 'NoSuchKey' }) };
      }
      case 'DeleteObject':
        objects.delete(key);
        return { status: 204 };
    }
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://localhost');
    const operation = operationOf(request.method, searchParams);
    const body = await buffer(request);
    noted.push(operation);
    const reply = answer(operation, pathname, body);
    response.writeHead(reply.status ?? 200, { ETag: '"whole"', 'Content-Length': reply.body?.length ?? 0 });
    response.end(reply.body);
  });
  const port = await listen(server);
  return {
    endpoint: `http://127.0.0.1:${port}`,
    take: () => {
      const taken = noted;
      noted = [];
      return taken;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
