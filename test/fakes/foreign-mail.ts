import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import type { TestCertificate } from './certificate.ts';

export interface ForeignMessage {
  readonly user: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly raw: string;
}

/** A submission server that takes XOAUTH2 over TLS, from the first byte or after STARTTLS. */
export const startForeignMail = async (options: {
  readonly certificate: TestCertificate;
  readonly security: 'starttls' | 'tls';
  readonly ownerOf: (accessToken: string) => string | undefined;
}) => {
  const messages: ForeignMessage[] = [];
  const server = new SMTPServer({
    ...options.certificate,
    secure: options.security === 'tls',
    authMethods: ['XOAUTH2'],
    disableReverseLookup: true,
    logger: false,
    closeTimeout: 500,
    onAuth: ({ username = '', accessToken = '' }, session, callback) => {
      const fits = session.secure && options.ownerOf(accessToken) === username;
      callback(fits ? null : new Error('Invalid credentials'), fits ? { user: username } : undefined);
    },
    onData: (stream, session, callback) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        messages.push({
          user: String(session.user),
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: Buffer.concat(chunks).toString('latin1'),
        });
        callback();
      });
    },
  });
  server.on('error', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    smtp: { host: '127.0.0.1', port: (server.server.address() as AddressInfo).port, security: options.security },
    messages: (): readonly ForeignMessage[] => messages,
    close: (): Promise<void> => new Promise((resolve) => server.close(() => resolve())),
  };
};
