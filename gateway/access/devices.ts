import type { BrokerError } from '../../shared/domain/errors.ts';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import type { Result } from '../../shared/domain/result.ts';

/** What somebody on the network says of themself. */
export interface SignInAttempt {
  /** `client_id` or `client_id+slot`, in any letter case (api.md section 4). */
  readonly user: string;
  readonly password: string;
  /** The slot where none is named. */
  readonly defaultSlot: 'scan' | 'receive';
  readonly address: string;
}

/** Who may use this gateway. */
export interface Devices {
  /** Waits a while before it refuses who was wrong often. */
  signIn(attempt: SignInAttempt): Promise<Result<ServedDevice, BrokerError>>;
  /** A device that cannot sign in, where its address is listed; undefined where it is not. */
  listed(address: string): Promise<Result<ServedDevice, BrokerError> | undefined>;
}
