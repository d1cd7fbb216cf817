import * as v from 'valibot';
import { AUDIENCES } from '../domain/provider.ts';
import { clientSecretFields, clientSecretsAreNoIds, clientSecretsFit } from './client-secrets.ts';
import { parseDocument } from './config-document.ts';
import { endpoint } from './endpoint.ts';
import { mailServerFields } from './mail-servers.ts';

/** An organization's own registration changes who asks for tokens, not where mail goes. */
const ofBroker = v.exactOptional(
  v.never("is of the broker's own entry, under providers at the top: leave it out here"),
);
const noMailServers = { smtp: ofBroker, pop: ofBroker, imap: ofBroker, api: ofBroker };

/** What both entries have: the app registration, and how the server behind `endpoints` treats a used refresh token. */
const registration = {
  client_id: v.pipe(v.string(), v.minLength(1)),
  ...clientSecretFields,
  refresh_token_rotation: v.exactOptional(v.picklist(['strict', 'lenient'])),
};

const microsoftClient = {
  ...registration,
  tenant: v.optional(v.pipe(v.string(), v.regex(/^[\w.-]+$/, 'is not a tenant')), 'organizations'),
  audiences: v.exactOptional(
    v.pipe(
      v.array(v.picklist(AUDIENCES)),
      v.check((audiences) => audiences.includes('smtp'), 'must have smtp, which every mailbox is signed in for'),
    ),
  ),
  endpoints: v.exactOptional(
    v.object({
      authorization_endpoint: endpoint,
      token_endpoint: endpoint,
      device_authorization_endpoint: v.exactOptional(endpoint),
      jwks_uri: v.exactOptional(endpoint),
      issuer: v.exactOptional(v.string()),
      token_endpoint_auth_methods_supported: v.exactOptional(v.array(v.string())),
    }),
  ),
};

const microsoft = v.strictObject({ ...microsoftClient, ...mailServerFields });
const ownMicrosoft = v.strictObject({ ...microsoftClient, ...noMailServers });

type Microsoft = v.InferOutput<typeof microsoft>;
type OwnMicrosoft = v.InferOutput<typeof ownMicrosoft>;

/** The public servers' own ways are known; a setting that is not looked at must not pass for one. */
const rotationFits = <Entry extends { readonly endpoints?: unknown; readonly refresh_token_rotation?: string }>() =>
  v.check<Entry, string>(
    ({ endpoints, refresh_token_rotation }) => endpoints !== undefined || refresh_token_rotation === undefined,
    'is for a server behind endpoints: leave it out',
  );

const checkedMicrosoft = v.pipe(
  microsoft,
  clientSecretsFit<Microsoft>(),
  clientSecretsAreNoIds<Microsoft>(),
  v.forward(rotationFits<Microsoft>(), ['refresh_token_rotation']),
);

const checkedOwnMicrosoft = v.pipe(
  ownMicrosoft,
  clientSecretsFit<OwnMicrosoft>(),
  clientSecretsAreNoIds<OwnMicrosoft>(),
  v.forward(rotationFits<OwnMicrosoft>(), ['refresh_token_rotation']),
);

const googleClient = {
  ...registration,
  endpoints: v.exactOptional(
    v.object({
      authorization_endpoint: endpoint,
      token_endpoint: endpoint,
      revocation_endpoint: v.exactOptional(endpoint),
      jwks_uri: v.exactOptional(endpoint),
      issuer: v.exactOptional(v.string()),
      token_endpoint_auth_methods_supported: v.exactOptional(v.array(v.string())),
    }),
  ),
};

const google = v.strictObject({ ...googleClient, ...mailServerFields });
const ownGoogle = v.strictObject({ ...googleClient, ...noMailServers });

type Google = v.InferOutput<typeof google>;
type OwnGoogle = v.InferOutput<typeof ownGoogle>;

const checkedGoogle = v.pipe(
  google,
  clientSecretsFit<Google>(),
  v.forward(rotationFits<Google>(), ['refresh_token_rotation']),
);

const checkedOwnGoogle = v.pipe(
  ownGoogle,
  clientSecretsFit<OwnGoogle>(),
  v.forward(rotationFits<OwnGoogle>(), ['refresh_token_rotation']),
);

/** A name, or an id with a slip, would leave the organization with the broker's registration, and nobody would notice. */
const organizationId = v.pipe(v.string(), v.regex(/^org_\w+$/, 'is not the id of an organization'));

const organization = v.strictObject({
  providers: v.strictObject({
    microsoft: v.exactOptional(checkedOwnMicrosoft),
    google: v.exactOptional(checkedOwnGoogle),
  }),
});

const brokerConfig = v.strictObject({
  providers: v.optional(
    v.strictObject({ microsoft: v.exactOptional(checkedMicrosoft), google: v.exactOptional(checkedGoogle) }),
    {},
  ),
  organizations: v.optional(v.record(organizationId, organization), {}),
});

/** An app registration with either, the broker's or an organization's own. */
export type MicrosoftConfig = Microsoft | OwnMicrosoft;
export type GoogleConfig = Google | OwnGoogle;
export type BrokerConfig = v.InferOutput<typeof brokerConfig>;
/** A document without any: everything runs, and a sign-in is told what is missing. */
export const NO_PROVIDERS = '{}';

/** The document behind `BROKER_CONFIG` (docs/configuration.md). `source` is named in the error. */
export const parseBrokerConfig = (text: string, source: string): BrokerConfig =>
  parseDocument(brokerConfig, text, source);
