/** Tests of the bundles that an emulator cannot serve, each with what it lacks. Shown as skipped; see docs/aws-emulators.md. */
export interface KnownGap {
  /** As in `scripts/test-aws.ts`. */
  readonly part: 'moto' | 'ministack';
  readonly file: string;
  /** Its whole name. */
  readonly test: string;
  /** Begins with the emulator's version. */
  readonly reason: string;
}

/** None just now: moto 5.2.5 serves the whole suite, and ministack 1.5.33 does with moto's Secrets Manager beside it. */
export const KNOWN_GAPS: readonly KnownGap[] = [];
