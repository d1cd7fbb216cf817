/** What a validator found wrong at one place; the part of its report that is needed here. */
interface Finding {
  readonly type: string;
  readonly expected: string | null;
  readonly received: string;
  readonly message: string;
  /** Absent for the value as a whole. */
  readonly path?: readonly unknown[] | undefined;
}

/** In words, after the name of the place. What was received is not repeated: a secret may be in there. */
export const inputProblem = ({ type, expected, received, message, path }: Finding): string => {
  const ofObject = type === 'strict_object' || type === 'object';
  if (ofObject && expected === 'never') return 'is not known';
  if (ofObject && path !== undefined && received === 'undefined') return 'is missing';
  if ((type === 'min_length' || type === 'max_length') && message.startsWith('Invalid'))
    return `must have ${expected} characters`;
  return message.startsWith('Invalid') ? `must be ${expected ?? 'something else'}` : message;
};
