import type { html } from 'hono/html';
import type { BrokerError } from '../shared/domain/errors.ts';
import { PROVIDERS, type ProviderName } from '../shared/domain/provider.ts';
import { ERROR_TEXTS, type Language } from '../shared/protocol/texts/index.ts';
import type { ConsoleTexts } from './texts/index.ts';

/** A piece of HTML in which everything from outside is escaped. */
export type Html = ReturnType<typeof html>;

/** A provider as the console shows it. A stand-in plays it on this machine, with no account anywhere. */
export interface ConsoleProvider {
  readonly name: ProviderName;
  readonly isStandIn?: boolean;
  /** `inbox`: shows what arrived. `help`: how the stand-in is used. */
  readonly links?: { readonly inbox?: string; readonly help?: string };
  /** One that the stand-in knows. */
  readonly exampleAddress?: string;
}

/** Nothing stands in for them. */
export const realProviders: readonly ConsoleProvider[] = PROVIDERS.map((name) => ({
  name,
  isStandIn: false,
  links: {},
}));

/** What is the same for every page of one request. */
export interface View {
  readonly language: Language;
  /** Undefined while nobody is logged in. Goes into every form. */
  readonly csrfToken: string | undefined;
  /** Whoever is logged in has a key for all organizations. What is not theirs to do is not offered to the others. */
  readonly isForAll: boolean;
  /** Where the choice of a language comes back to; undefined where that would lose what is on the page. */
  readonly here: string | undefined;
  readonly nowSeconds: number;
  readonly providers: readonly ConsoleProvider[];
  /** What has just been done. */
  readonly notice: keyof ConsoleTexts['notices'] | undefined;
}

/** What went wrong, in words, with what there is to look up. */
export interface Problem {
  readonly message: string;
  readonly remedy?: string | undefined;
  readonly detail?: string | undefined;
  readonly code?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly requestId?: string | undefined;
  /** The form field that must be corrected. */
  readonly field?: string | undefined;
}

export const problemOf = (language: Language, error: BrokerError): Problem => {
  const [message, remedy] = ERROR_TEXTS[language][error.kind];
  const { detail, code, correlationId } = error;
  return { message, remedy, detail, code, correlationId };
};

/** A form as it was filled in, and what is wrong with it. */
export interface FormState {
  readonly values: Readonly<Record<string, string>>;
  readonly problem?: Problem | undefined;
}

export const EMPTY_FORM: FormState = { values: {} };

/** Proper names, the same in every language. */
export const PROVIDER_NAMES = { microsoft: 'Microsoft', google: 'Google' } as const satisfies Record<
  ProviderName,
  string
>;

export const paths = {
  home: '/',
  login: '/console/login',
  logout: '/console/logout',
  language: '/console/language',
  organizations: '/console/organizations',
  newOrganization: '/console/organizations/new',
  organization: (id: string) => `/console/organizations/${id}`,
  /** Without an organization: the operator's. */
  notifications: (organizationId: string | undefined) =>
    organizationId === undefined ? '/console/notifications' : `/console/organizations/${organizationId}/notifications`,
  device: (clientId: string) => `/console/devices/${clientId}`,
  mailbox: (id: string) => `/console/mailboxes/${id}`,
  connectionTest: (mailboxId: string) => `/console/mailboxes/${mailboxId}/test`,
  signIn: (id: string) => `/console/sign-ins/${id}`,
  submissions: '/console/submissions',
  submissionsOf: (mailboxId: string) => `/console/submissions?mailbox_id=${mailboxId}`,
  submission: (id: string) => `/console/submissions/${id}`,
  audit: '/console/audit',
  adminKeys: '/console/keys',
  newAdminKey: '/console/keys/new',
} as const;
