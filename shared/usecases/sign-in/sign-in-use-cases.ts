import type { Clock } from '../../ports/clock.ts';
import type { IdentityProviders } from '../../ports/identity-providers.ts';
import type { KeyRing } from '../../ports/key-ring.ts';
import type { Log } from '../../ports/log.ts';
import type { Random } from '../../ports/random.ts';
import type { TokenVault } from '../../ports/token-vault.ts';
import type { WorkQueue } from '../../ports/work-queue.ts';
import type { Records } from '../../records/index.ts';
import { deviceAuthentication } from '../devices/authenticate-device.ts';
import { makeRefreshGrant } from '../grants/refresh-grant.ts';
import { makeResumeOutbox } from '../mail/wake-outbox.ts';
import { makeReconnect } from '../notices/reconnect.ts';
import { answerPairing } from '../pairing/answer-pairing.ts';
import { makeBeginPairing } from '../pairing/begin-pairing.ts';
import { makeGiveUpSlot, makeRevokeToken } from '../pairing/give-up-slot.ts';
import { makeAdoptSignIn } from './adopt-sign-in.ts';
import { makeDepartForProvider } from './begin-sign-in.ts';
import { makeCompleteSignIn } from './complete-sign-in.ts';
import { makeSignOut } from './sign-out.ts';

/** The use cases of the sign-in by redirect, and of pairing, which leads to it; built once for every composition. */
export const signInUseCases = (dependencies: {
  readonly records: Records;
  readonly vault: TokenVault;
  readonly providers: IdentityProviders;
  readonly mailQueue: WorkQueue;
  readonly attemptKeys: KeyRing;
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}) => {
  const { records, mailQueue, clock } = dependencies;
  const adoptSignIn = makeAdoptSignIn({ ...dependencies, ...records });
  const refreshGrant = makeRefreshGrant(dependencies);
  const resumeOutbox = makeResumeOutbox({ outboxes: records.outboxes, queue: mailQueue, clock });
  const { authenticateDevice } = deviceAuthentication(dependencies);
  const signOut = makeSignOut({ ...dependencies, grants: records.grants });
  const giveUpSlot = makeGiveUpSlot({ records, signOut });
  return {
    beginPairing: makeBeginPairing({ ...dependencies, authenticateDevice }),
    answerPairing: answerPairing(dependencies),
    revokeToken: makeRevokeToken({ records, authenticateDevice, giveUpSlot }),
    reconnect: makeReconnect(dependencies),
    departForProvider: makeDepartForProvider(dependencies),
    completeSignIn: makeCompleteSignIn({ ...dependencies, adoptSignIn, refreshGrant, resumeOutbox }),
  };
};
