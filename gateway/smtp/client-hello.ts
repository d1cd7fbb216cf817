import type { Socket } from 'node:net';

/** What came first; it stays in the socket for whoever reads next. */
export type FirstBytes = Buffer | 'silence' | 'end';

export const firstBytes = (socket: Socket, waitMs: number): Promise<FirstBytes> =>
  new Promise((resolve) => {
    const settle = (first: FirstBytes): void => {
      clearTimeout(timer);
      socket.off('readable', onReadable);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
      if (first instanceof Buffer) socket.unshift(first);
      resolve(first);
    };
    const onReadable = (): void => {
      const bytes: unknown = socket.read();
      if (bytes instanceof Buffer) settle(bytes);
    };
    const onEnd = (): void => settle('end');
    const timer = setTimeout(() => settle('silence'), waitMs);
    timer.unref();
    socket.on('readable', onReadable);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
    if (socket.destroyed || socket.readableEnded) onEnd();
  });

/** A record of type handshake, protocol 3 (RFC 8446 section 5.1). No command of SMTP begins like it. */
export const isTlsHello = (bytes: FirstBytes): boolean =>
  bytes instanceof Buffer && bytes[0] === 0x16 && (bytes.length === 1 || bytes[1] === 0x03);

const VERSIONS: Readonly<Record<number, string>> = {
  768: 'SSLv3',
  769: 'TLSv1',
  770: 'TLSv1.1',
  771: 'TLSv1.2',
  772: 'TLSv1.3',
};

/** RFC 8446 section 4.2.1. */
const SUPPORTED_VERSIONS = 43;

/** Record header 5, handshake header 4. */
const HELLO_START = 9;

/** The versions in the extension `supported_versions`; none where it is not there, or has not come yet. */
const versionsInExtensions = (hello: Buffer, start: number): readonly number[] => {
  for (let at = start; at + 4 <= hello.length; at += 4 + hello.readUInt16BE(at + 2)) {
    if (hello.readUInt16BE(at) !== SUPPORTED_VERSIONS) continue;
    const end = Math.min(hello.length, at + 4 + hello.readUInt16BE(at + 2));
    const versions: number[] = [];
    for (let v = at + 5; v + 2 <= end; v += 2) versions.push(hello.readUInt16BE(v));
    return versions;
  }
  return [];
};

/** Where the extensions begin: after version 2, random 32, session id, cipher suites, compression methods. */
const extensionsStart = (hello: Buffer): number => {
  const sessionId = HELLO_START + 34;
  const suites = sessionId + 1 + (hello[sessionId] ?? 0);
  if (suites + 2 > hello.length) return hello.length;
  const compression = suites + 2 + hello.readUInt16BE(suites);
  return compression + 1 + (hello[compression] ?? 0) + 2;
};

/** The newest version of TLS that a client offers in its hello (RFC 8446 section 4.1.2), as far as these bytes tell. */
export const offeredVersion = (bytes: Buffer): string | undefined => {
  if (!isTlsHello(bytes) || bytes.length < HELLO_START + 2) return undefined;
  const legacyVersion = bytes.readUInt16BE(HELLO_START);
  const known = [legacyVersion, ...versionsInExtensions(bytes, extensionsStart(bytes))].filter((v) => v in VERSIONS);
  return known.length === 0 ? undefined : VERSIONS[Math.max(...known)];
};
