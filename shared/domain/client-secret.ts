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

/**
 * The former one stays good for so long. There are never more than two: where one before it has time left yet, that one is
 * what stands in the panel until somebody has walked there, and so it keeps its time, and the newer one, which is replaced
 * before it was typed, stops at once. Without grace all of them stop.
 */
export const rotatedSecrets = (
  { secretHashes, formerSecretUntil: until = 0 }: Secrets,
  hash: string,
  graceSeconds: number,
  now: number,
): Required<Secrets> => {
  if (graceSeconds <= 0) return { secretHashes: [hash], formerSecretUntil: 0 };
  const inGrace = until > now ? secretHashes[1] : undefined;
  if (inGrace !== undefined) return { secretHashes: [hash, inGrace], formerSecretUntil: until };
  return { secretHashes: [hash, ...secretHashes.slice(0, 1)], formerSecretUntil: now + graceSeconds };
};

/** Until when the former secret is good; undefined where there is none any more. */
export const formerSecretUntil = ({ formerSecretUntil: until = 0 }: Secrets, now: number): number | undefined =>
  until > now ? until : undefined;
