import type { Mailbox } from '../domain/entities.ts';
import { generationOf, isLive } from '../domain/grant.ts';
import { AUDIENCES } from '../domain/provider.ts';
import { type Clock, epochSeconds } from '../ports/clock.ts';
import type { TokenVault } from '../ports/token-vault.ts';
import type { Records } from '../records/index.ts';

/**
 * A person gives up the grant: nobody may use it any more, then its tokens are deleted. The one place where a refresh
 * token is removed (design rule 3). Microsoft has no way to revoke it there; at Google revoking would end every other
 * mailbox of the same user, so the broker only forgets it.
 */
export const makeSignOut =
  ({ grants, vault, clock }: { grants: Records['grants']; vault: TokenVault; clock: Clock }) =>
  async (mailbox: Mailbox): Promise<void> => {
    for (;;) {
      const { grant, revision } = await grants.get(mailbox.id);
      if (grant.state === 'never') break;
      const signedOut = {
        state: 'signed_out',
        signedOutAt: epochSeconds(clock),
        generation: generationOf(grant),
      } as const;
      if (await grants.replace(mailbox.id, revision, signedOut, undefined)) break;
    }
    // Somebody may have signed in again meanwhile; what rests in the vault then is theirs.
    if (isLive((await grants.get(mailbox.id)).grant)) return;
    await vault.remove(mailbox.id);
    await grants.forgetAccessTokens(mailbox.id, AUDIENCES);
  };

export type SignOut = ReturnType<typeof makeSignOut>;
