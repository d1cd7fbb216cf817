import type { Mailbox } from '../../domain/entities.ts';
import { generationOf } from '../../domain/grant.ts';
import { AUDIENCES } from '../../domain/provider.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import type { TokenVault } from '../../ports/token-vault.ts';
import type { Records } from '../../records/index.ts';
import { makeChangeGrant } from '../grants/change-grant.ts';

/**
 * A person gives up the grant: nobody may use it any more, then its tokens are deleted. The one place where a refresh
 * token is removed (design rule 3). Microsoft has no way to revoke it there; at Google revoking would end every other
 * mailbox of the same user, so the broker only forgets it.
 */
export const makeSignOut = (dependencies: {
  readonly grants: Records['grants'];
  readonly vault: TokenVault;
  readonly clock: Clock;
  readonly random: Random;
}) => {
  const { grants, vault, clock } = dependencies;
  const changeGrant = makeChangeGrant(dependencies);
  return ({ id }: Mailbox): Promise<void> =>
    changeGrant(id, async (lease) => {
      const { grant, revision } = await grants.get(id);
      if (grant.state !== 'never') {
        const signedOutAt = epochSeconds(clock);
        const signedOut = { state: 'signed_out', signedOutAt, generation: generationOf(grant) } as const;
        // The lease was lost to another change that took it after its time: that one is the later word.
        if (!(await grants.replaceAndHold(id, lease, revision, signedOut))) return;
      }
      await vault.remove(id);
      await grants.forgetAccessTokens(id, AUDIENCES);
    });
};

export type SignOut = ReturnType<typeof makeSignOut>;
