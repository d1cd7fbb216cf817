import { BlockList, isIP, type Socket } from 'node:net';
import type { FirstBytes } from './client-hello.ts';

/** The signature of version 2 (PROXY protocol specification, section 2.2), the one that network load balancers of AWS speak. */
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');

/** Signature, version and command, family, length. */
const FIXED_BYTES = 16;

/** Addresses, and what a load balancer adds to them. */
const LONGEST_REST_BYTES = 1024;

/** By family and transport: TCP over IPv4, and over IPv6. */
const ADDRESS_BYTES: Readonly<Record<number, number>> = { 17: 4, 33: 16 };

/** Version 1 is a line of text; smtp-server reads that. */
export const isVersion2 = (bytes: FirstBytes): boolean => bytes instanceof Buffer && bytes[0] === SIGNATURE[0];

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** Who may say for whom they speak: addresses, and networks in CIDR notation. What is neither is an error of the settings. */
export const trustedProxies = (entries: readonly string[]): ((address: string) => boolean) => {
  const list = new BlockList();
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/');
    if (prefix === undefined) list.addAddress(address, familyOf(address));
    else list.addSubnet(address, Number(prefix), familyOf(address));
  }
  return (address) => isIP(address) !== 0 && list.check(address, familyOf(address));
};

/** Exactly so many bytes; undefined: the socket ended before. Its time limit is on the socket. */
const readExactly = (socket: Socket, count: number): Promise<Buffer | undefined> =>
  new Promise((resolve) => {
    const settle = (bytes: Buffer | undefined): void => {
      socket.off('readable', onReadable);
      socket.off('end', onEnd);
      socket.off('close', onEnd);
      resolve(bytes);
    };
    const onReadable = (): void => {
      // Fewer only where no more will come.
      const bytes: unknown = socket.read(count);
      if (bytes instanceof Buffer) settle(bytes.length === count ? bytes : undefined);
    };
    const onEnd = (): void => settle(undefined);
    socket.on('readable', onReadable);
    socket.on('end', onEnd);
    socket.on('close', onEnd);
    if (socket.destroyed || socket.readableEnded) onEnd();
  });

const MAPPED_IPV4 = Buffer.from('00000000000000000000ffff', 'hex');

/** As sockets write them, so that two texts of one address are equal. */
const addressText = (bytes: Buffer): string => {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.subarray(0, 12).equals(MAPPED_IPV4)) return bytes.subarray(12).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => bytes.readUInt16BE(i * 2).toString(16));
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
};

export type ProxyHeader =
  | { readonly kind: 'client'; readonly address: string; readonly port: number }
  /** The load balancer speaks for itself: it looks whether we are there. */
  | { readonly kind: 'itself' }
  | { readonly kind: 'invalid' };

/** Takes the header of version 2 from the socket. */
export const readVersion2 = async (socket: Socket): Promise<ProxyHeader> => {
  const fixed = await readExactly(socket, FIXED_BYTES);
  if (!fixed?.subarray(0, SIGNATURE.length).equals(SIGNATURE)) return { kind: 'invalid' };
  const [command, family, length] = [fixed[12], fixed[13], fixed.readUInt16BE(14)];
  if (length > LONGEST_REST_BYTES || (command !== 0x20 && command !== 0x21)) return { kind: 'invalid' };
  const rest = length === 0 ? Buffer.alloc(0) : await readExactly(socket, length);
  if (rest === undefined) return { kind: 'invalid' };
  if (command === 0x20) return { kind: 'itself' };
  const addressBytes = ADDRESS_BYTES[family ?? 0];
  // Two addresses, two ports; the first of each is the client's.
  if (addressBytes === undefined || rest.length < addressBytes * 2 + 4) return { kind: 'invalid' };
  const [address, port] = [addressText(rest.subarray(0, addressBytes)), rest.readUInt16BE(addressBytes * 2)];
  return { kind: 'client', address, port };
};
