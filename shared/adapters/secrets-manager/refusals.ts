/** What Secrets Manager says no with, where the vault expects it. */
export type Refusal = 'absent' | 'exists' | 'being_deleted' | 'label_elsewhere';

/** Names from the API reference; `message` tells apart what has one name. Samples are of what Secrets Manager writes. */
const REFUSALS: readonly { name: string; message?: RegExp; meaning: Refusal; sample: string }[] = [
  {
    name: 'ResourceNotFoundException',
    meaning: 'absent',
    sample: "Secrets Manager can't find the specified secret.",
  },
  {
    name: 'ResourceExistsException',
    meaning: 'exists',
    sample: 'The operation failed because the secret token-broker/m_1 already exists.',
  },
  {
    name: 'InvalidRequestException',
    message: /deletion|deleted/i,
    meaning: 'being_deleted',
    sample: "You can't create this secret because a secret with this name is already scheduled for deletion.",
  },
  {
    name: 'InvalidParameterException',
    meaning: 'label_elsewhere',
    sample:
      "The parameter RemoveFromVersionId can't be empty. Staging label AWSCURRENT is currently attached to version " +
      'EXAMPLE1, so you must explicitly reference that version in RemoveFromVersionId.',
  },
];

/** The answer, or which of the expected refusals it was. Any other error is thrown on. */
export const unlessRefused = async <Output, Expected extends Refusal>(
  sent: Promise<Output>,
  expected: readonly Expected[],
): Promise<Output | Expected> => {
  try {
    return await sent;
  } catch (error) {
    const meaning = meaningOf(error);
    const refusal = expected.find((candidate) => candidate === meaning);
    if (refusal === undefined) throw error;
    return refusal;
  }
};

const meaningOf = (error: unknown): Refusal | undefined =>
  error instanceof Error
    ? REFUSALS.find(({ name, message }) => name === error.name && (message?.test(error.message) ?? true))?.meaning
    : undefined;
