import type { Device } from './entities.ts';

/**
 * How long the former secret stays good beside the new one, unless somebody says otherwise: a person has to walk to the
 * device and type it.
 */
export const SECRET_GRACE_SECONDS = 7 * 86_400;

/** As long as a fleet may be walked through. */
export const MOST_SECRET_GRACE_SECONDS = 30 * 86_400;

/** A device that asks for a new secret by itself has it at once; should the answer be lost, it can ask again with the former. */
export const OWN_ROTATION_GRACE_SECONDS = 86_400;

type Secrets = Pick<Device, 'secretHashes' | 'formerSecretUntil'>;

/** Hashes of the secrets that are good at this moment. */
export const validSecretHashes = ({ secretHashes, formerSecretUntil = 0 }: Secrets, now: number): readonly string[] =>
  formerSecretUntil > now ? secretHashes : secretHashes.slice(0, 1);

/** The former one stays good for so long; one before it stops at once, as there are never more than two. */
export const rotatedSecrets = (
  { secretHashes }: Secrets,
  hash: string,
  graceSeconds: number,
  now: number,
): Required<Secrets> => ({
  secretHashes: graceSeconds > 0 ? [hash, ...secretHashes.slice(0, 1)] : [hash],
  formerSecretUntil: graceSeconds > 0 ? now + graceSeconds : 0,
});

/** Until when the former secret is good; undefined where there is none any more. */
export const formerSecretUntil = ({ formerSecretUntil: until = 0 }: Secrets, now: number): number | undefined =>
  until > now ? until : undefined;
