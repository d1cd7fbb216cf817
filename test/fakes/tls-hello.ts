import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';

/** What Node's own TLS client sends first. */
export const helloOf = async (options: ConnectionOptions): Promise<Buffer> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a listener without a port');
  const accepted = once(server, 'connection');
  const client = connect({ port: address.port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  client.on('error', () => undefined);
  const [socket]: Socket[] = await accepted;
  if (socket === undefined) throw new Error('nobody came');
  const [bytes]: Buffer[] = await once(socket, 'data');
  client.destroy();
  socket.destroy();
  server.close();
  return bytes ?? Buffer.alloc(0);
};
