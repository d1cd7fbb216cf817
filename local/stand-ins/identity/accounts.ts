import { createHash } from 'node:crypto';
import type { ProviderName } from '../../../shared/domain/provider.ts';

/** Shown on the login page. Nothing is protected by it: it only gives the form something to refuse. */
export const STAND_IN_PASSWORD = 'stand-in';

/** Any address at these domains may sign in, as itself. RFC 2606 reserves `.example`, so none is anybody's. */
export const STAND_IN_DOMAINS = { microsoft: 'contoso.example', google: 'gmail.example' } as const satisfies Record<
  ProviderName,
  string
>;

/** The directory of contoso.example: a made-up tenant id. */
export const STAND_IN_TENANT = '5d2f0c1e-7a64-4b7e-9d53-0c0f5e3a91b2';

/** The ones that the login page proposes. */
export const PROPOSED_ACCOUNTS = {
  microsoft: ['scanner@contoso.example', 'office@contoso.example'],
  google: ['scanner@gmail.example', 'office@gmail.example'],
} as const satisfies Record<ProviderName, readonly string[]>;

export interface StandInAccount {
  /** Lower case. */
  readonly address: string;
  readonly name: string;
  /** Stable for the address, and oidc-provider's `accountId`. Microsoft: the object id, a GUID. Google: 21 digits. */
  readonly subject: string;
}

const LOCAL_PART = /^[\w.+-]{1,64}$/;

/** The account of that address, or undefined where the stand-in knows none. */
export const findStandInAccount = (provider: ProviderName, typed: string): StandInAccount | undefined => {
  const address = typed.trim().toLowerCase();
  const [localPart = '', domain, ...more] = address.split('@');
  if (more.length > 0 || domain !== STAND_IN_DOMAINS[provider] || !LOCAL_PART.test(localPart)) return undefined;
  const name = localPart.charAt(0).toUpperCase() + localPart.slice(1);
  return { address, name, subject: provider === 'microsoft' ? guidOf(address) : digitsOf(address) };
};

const guidOf = (address: string): string => {
  const hex = createHash('sha256').update(address).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

const digitsOf = (address: string): string => {
  const number = BigInt(`0x${createHash('sha256').update(address).digest('hex')}`);
  return `1${String(number).slice(0, 20)}`;
};
