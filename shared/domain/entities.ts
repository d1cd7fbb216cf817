import type { RouteChoice } from './outbox.ts';
import type { Audience, ProviderName } from './provider.ts';
import type { SenderPolicy } from './sender-policy.ts';

/** A customer. Everything below belongs to exactly one; nothing crosses. Times are epoch seconds. */
export interface Organization {
  readonly id: string;
  readonly name: string;
  readonly locale: string;
  readonly enabled: boolean;
  readonly createdAt: number;
}

/** What a device tells about itself when it registers (RFC 7591 section 2, and fields of our own). */
export interface DeviceMetadata {
  readonly clientName: string;
  readonly softwareId?: string;
  readonly softwareVersion?: string;
  readonly vendor?: string;
  readonly model?: string;
  readonly serialNumber?: string;
  readonly location?: string;
  readonly locale?: string;
}

/** A printer, scanner or server that uses the broker: an OAuth client. Secrets are kept as SHA-256 hashes. */
export interface Device {
  readonly clientId: string;
  readonly organizationId: string;
  readonly metadata: DeviceMetadata;
  readonly enabled: boolean;
  /** The current one; and after it the former one, good until `formerSecretUntil`, while a rotation is under way. */
  readonly secretHashes: readonly string[];
  readonly formerSecretUntil?: number;
  /** Grows with every rotation: of two that began with the same secrets one wins. Absent: registered before this was kept. */
  readonly secretRevision?: number;
  readonly registrationTokenHash: string;
  /** As whom it sends; absent, as with devices that came before: `user_may_change`. */
  /** After so long without a fetch a person's own slot is emptied; 0 or absent: never (R17). */
  readonly userIdleSeconds?: number;
  readonly senderPolicy?: SenderPolicy;
  /** What is from a sender that the policy or the provider does not allow goes out as the mailbox instead (R41). */
  readonly rewriteSender?: boolean;
  readonly createdAt: number;
}

/** A mail account at a provider, shared by as many devices as like. */
export interface Mailbox {
  readonly id: string;
  readonly organizationId: string;
  readonly provider: ProviderName;
  readonly address: string;
  /** Other addresses the mailbox may send as. */
  readonly aliases: readonly string[];
  /** By which way its mail goes; absent: `auto`. */
  readonly route?: RouteChoice;
  readonly createdAt: number;
}

/** Ties device and slot to a mailbox. */
export interface Binding {
  readonly clientId: string;
  readonly slot: string;
  readonly mailboxId: string;
  readonly organizationId: string;
  readonly boundAt: number;
  /** Coarse: written at most once in `USE_RECORDED_EVERY_SECONDS` for each audience. */
  readonly lastFetchedAt?: number;
  /** The same, of each audience: each is kept warm for itself. */
  readonly fetchedAt?: Partial<Record<Audience, number>>;
}

/** Lets a device register itself, a limited number of times, for a limited time. Kept as a hash. */
export interface EnrolmentToken {
  readonly id: string;
  readonly tokenHash: string;
  readonly organizationId: string;
  /** Devices it was made for, and how many more may register. */
  readonly uses: number;
  readonly usesLeft: number;
  readonly expiresAt: number;
  readonly createdAt: number;
  readonly revokedAt?: number;
}

/** An administrator's key that was made beside the one the broker was set up with. Kept as a hash. */
export interface AdminKey {
  readonly id: string;
  readonly name: string;
  readonly keyHash: string;
  /** The one organization that it is for; absent: for all. */
  readonly organizationId?: string | undefined;
  readonly createdAt: number;
  readonly revokedAt?: number;
}

/** One thing somebody did. Never holds a token or a secret. */
export interface AuditEntry {
  readonly id: string;
  /** Absent: it concerns the broker as a whole, and only a key for all shows it. */
  readonly organizationId?: string | undefined;
  readonly at: number;
  /** `admin`, `admin:<admin_key_id>`, `device:<client_id>` or `person`. */
  readonly by: string;
  readonly action: string;
  readonly subject: string;
  readonly detail?: string;
}
