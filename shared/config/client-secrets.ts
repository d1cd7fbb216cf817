import * as v from 'valibot';

const secretText = v.pipe(v.string(), v.minLength(1));

/** A day that exists: valibot's own check lets the 31st of February pass. */
const day = v.pipe(
  v.string(),
  v.check((text) => {
    const time = /^\d{4}-\d{2}-\d{2}$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
    return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
  }, 'must be a date, written YYYY-MM-DD'),
);

/** The fields of a provider's entry that say its client secrets, in either of two forms. */
export const clientSecretFields = {
  client_secret: v.exactOptional(secretText),
  client_secret_expires_on: v.exactOptional(day),
  /** Two are what a rotation needs: the one that ends, and the one that follows it. */
  client_secrets: v.exactOptional(
    v.pipe(
      v.array(v.strictObject({ value: secretText, expires_on: v.exactOptional(day) })),
      v.check(({ length }) => length === 1 || length === 2, 'must be a list of one or two secrets'),
    ),
  ),
};

export interface ClientSecretEntry {
  readonly client_secret?: string;
  readonly client_secret_expires_on?: string;
  readonly client_secrets?: readonly { readonly value: string; readonly expires_on?: string }[];
}

interface Problem {
  /** Names of fields and positions, from the entry on. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What does not fit together in an entry whose fields fit one by one. No value is repeated. */
const problemsOf = (entry: ClientSecretEntry): readonly Problem[] => {
  const { client_secret: one, client_secret_expires_on: expiresOn, client_secrets: list } = entry;
  const problems: Problem[] = [];
  if (one === undefined && list === undefined) problems.push({ path: ['client_secret'], message: 'is missing' });
  if (one !== undefined && list !== undefined) {
    problems.push({ path: ['client_secrets'], message: 'stands beside client_secret: keep one of the two' });
  }
  if (one === undefined && list !== undefined && expiresOn !== undefined) {
    const message = 'belongs to client_secret: in client_secrets each entry has its own expires_on';
    problems.push({ path: ['client_secret_expires_on'], message });
  }
  if (list?.[1] !== undefined && list[0]?.value === list[1].value) {
    problems.push({ path: ['client_secrets', 1, 'value'], message: 'is the same as the first: enter the new one' });
  }
  return problems;
};

/** Azure shows a secret's id, a GUID, beside its value; taking the one for the other is the commonest mistake. */
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const idsAmongSecrets = ({ client_secret, client_secrets = [] }: ClientSecretEntry): readonly Problem[] =>
  [
    { path: ['client_secret'], value: client_secret ?? '' },
    ...client_secrets.map(({ value }, position) => ({ path: ['client_secrets', position, 'value'], value })),
  ]
    .filter(({ value }) => GUID.test(value))
    .map(({ path }) => ({ path, message: 'is a GUID: this is the secret ID; copy the secret Value instead' }));

/** The problem's place as valibot names it; what stands there is left out, as it may be a secret. */
const pathItems = ({ path }: Problem) =>
  path.map((key) => ({ type: 'unknown' as const, origin: 'value' as const, input: undefined, key, value: undefined }));

const reported = <Entry>(problemsIn: (entry: Entry) => readonly Problem[]) =>
  v.rawCheck<Entry>(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    for (const problem of problemsIn(dataset.value)) {
      const [first, ...rest] = pathItems(problem);
      if (first !== undefined) addIssue({ message: problem.message, path: [first, ...rest] });
    }
  });

export const clientSecretsFit = <Entry extends ClientSecretEntry>() => reported<Entry>(problemsOf);

/** Another server than Microsoft's may make its secrets as it likes. */
export const clientSecretsAreNoIds = <Entry extends ClientSecretEntry & { readonly endpoints?: unknown }>() =>
  reported<Entry>((entry) => (entry.endpoints === undefined ? idsAmongSecrets(entry) : []));

/** The secrets of an entry in the order they are tried, whichever form it has. */
export const clientSecretsOf = ({
  client_secret,
  client_secret_expires_on,
  client_secrets = [],
}: ClientSecretEntry): readonly [ClientSecret, ...ClientSecret[]] => {
  const listed = client_secrets.map(({ value, expires_on }) => ({ value, expiresOn: expires_on }));
  const own = client_secret === undefined ? [] : [{ value: client_secret, expiresOn: client_secret_expires_on }];
  const [first, ...others] = [...own, ...listed];
  if (first === undefined) throw new Error('the entry was not checked: it has no client secret');
  return [first, ...others];
};

interface ClientSecret {
  readonly value: string;
  readonly expiresOn: string | undefined;
}
