import { once } from 'node:events';
import { GatewayServer } from './gateway-server.ts';
import type { SmtpLimits, SmtpListenerOptions } from './options.ts';

/** A message of 35 MB over a slow network of an office, about. */
const DEADLINE_SECONDS = 30;

export interface SmtpListener {
  readonly port: number;
  /** Whether devices can connect. */
  isAccepting(): boolean;
  /** Asks for the certificate anew, for handshakes from now on; sessions that are under way stay as they are. */
  renew(): void;
  setLimits(limits: SmtpLimits): void;
  /** Takes nobody in any more, and resolves when the last has gone: within the deadline. */
  close(deadlineSeconds?: number): Promise<void>;
}

/** Where devices hand in their mail (RFC 6409). Rejects where it cannot listen. */
export const startSmtpListener = async (options: SmtpListenerOptions): Promise<SmtpListener> => {
  const { host, port, tls, limits, deps, ...smtpPort } = options;
  const server = new GatewayServer(smtpPort, deps, limits);
  const renew = (): void => {
    if (smtpPort.security !== 'plain' || smtpPort.recognizesTls) server.updateSecureContext(tls());
  };
  renew();
  server.listen(port, host);
  await once(server.server, 'listening');
  const address = server.server.address();
  if (address === null || typeof address === 'string') throw new Error('a listener without a port');
  return {
    port: address.port,
    isAccepting: () => server.server.listening,
    renew,
    setLimits: (changed) => server.setLimits(changed),
    close: (deadlineSeconds = DEADLINE_SECONDS) => server.stop(deadlineSeconds),
  };
};
