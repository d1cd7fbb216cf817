import { isIP } from 'node:net';
import { generate } from 'selfsigned';

export interface TestCertificate {
  readonly key: string;
  readonly cert: string;
}

/** Good for 127.0.0.1 and the names and addresses; trusted only by whoever is handed `cert` as its authority. */
export const testCertificate = async ({
  names = ['localhost'],
  days,
}: {
  readonly names?: readonly string[];
  /** From today on; negative: it has run out. */
  readonly days?: number;
} = {}): Promise<TestCertificate> => {
  const day = (offset: number): Date => new Date(Date.now() + offset * 86_400_000);
  const validity = days === undefined ? {} : { notBeforeDate: day(Math.min(days, 0) - 30), notAfterDate: day(days) };
  const { private: key, cert } = await generate([{ name: 'commonName', value: names[0] ?? 'localhost' }], {
    keyType: 'ec',
    ...validity,
    extensions: [
      { name: 'basicConstraints', cA: true },
      {
        name: 'subjectAltName',
        altNames: [...names, '127.0.0.1'].map((name) =>
          isIP(name) === 0 ? { type: 2 as const, value: name } : { type: 7 as const, ip: name },
        ),
      },
    ],
  });
  return { key, cert };
};
