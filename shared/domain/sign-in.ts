import type { BrokerError } from './errors.ts';
import type { ProviderName } from './provider.ts';
import type { ByRegistration } from './registration.ts';

/** A sign-in attempt lives ten minutes (design rule 10): as long as an authorization code does at Microsoft. */
export const SIGN_IN_SECONDS = 600;

/**
 * The part of an attempt that exists once somebody has opened its link: bound to that browser and to the app registration
 * that the provider was asked by, good for one callback.
 */
export interface StartedAttempt extends ByRegistration {
  /** SHA-256 of the `state` sent to the provider (RFC 6749 section 10.12). */
  readonly stateHash: string;
  /** SHA-256 of the cookie that ties the attempt to the browser. */
  readonly browserHash: string;
  /** The PKCE code verifier (RFC 7636 section 4.1), sealed by the key ring. */
  readonly sealedCodeVerifier: string;
}

/** For which pairing somebody signs in, and as whom the device would like it. */
export interface ForPairing {
  readonly deviceCodeHash: string;
  readonly loginHint?: string;
}

/** One attempt to obtain a grant: for a mailbox, or, where a device asked for it, for that of whoever signs in. */
export type SignIn = {
  readonly id: string;
  readonly mailboxId?: string;
  readonly pairing?: ForPairing;
  readonly organizationId: string;
  readonly provider: ProviderName;
  readonly expiresAt: number;
} & (
  | { readonly state: 'pending' }
  | { readonly state: 'started'; readonly attempt: StartedAttempt }
  /** The callback has come; nothing else may use this attempt. */
  | { readonly state: 'redeeming' }
  | { readonly state: 'completed' }
  | { readonly state: 'failed'; readonly error: BrokerError }
);

/** A sign-in for a mailbox that is known beforehand. */
export type MailboxSignIn = SignIn & { readonly mailboxId: string };

export const isOfMailbox = (signIn: SignIn): signIn is MailboxSignIn => signIn.mailboxId !== undefined;

/** A sign-in that a device asked for. */
export type PairedSignIn = SignIn & { readonly pairing: ForPairing };

export const isPaired = (signIn: SignIn): signIn is PairedSignIn => signIn.pairing !== undefined;

/** The state as `GET /v1/admin/sign-ins/{id}` shows it. */
export const publicSignInState = (
  signIn: SignIn,
  nowSeconds: number,
): 'pending' | 'completed' | 'failed' | 'expired' => {
  if (signIn.state === 'completed' || signIn.state === 'failed') return signIn.state;
  return signIn.expiresAt > nowSeconds ? 'pending' : 'expired';
};
