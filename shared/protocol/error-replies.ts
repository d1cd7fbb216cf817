import type { BrokerError } from '../domain/errors.ts';
import { type Outcome, outcomeOf } from './outcomes.ts';
import { ERROR_TEXTS, type Language } from './texts/index.ts';

export interface ErrorReply {
  readonly status: number;
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Asked {
  readonly error: BrokerError;
  readonly language: Language;
  readonly requestId: string;
}

/** RFC 6749 section 5.2 allows printable ASCII without quote and backslash. */
const oauthText = (text: string): string => text.replace(/["\\]/g, "'").replace(/[^\x20-\x7e]/g, '?');

const sentence = ({ kind, detail }: BrokerError): string => {
  const [message] = ERROR_TEXTS.en[kind];
  return detail === undefined ? message : `${message} ${detail}`;
};

/** What both shapes carry besides their standard's own members. */
const common = ({ error, language, requestId }: Asked, outcome: Outcome) => {
  const [message, remedy] = ERROR_TEXTS[language][error.kind];
  return {
    error: outcome.oauthError,
    error_description: oauthText(sentence(error)),
    message,
    remedy,
    actor: outcome.actor,
    ...(outcome.panelCode === undefined ? {} : { panel_code: outcome.panelCode }),
    ...(outcome.tokenStatus === undefined ? {} : { token_status: outcome.tokenStatus }),
    ...(error.code === undefined ? {} : { provider_code: error.code }),
    ...(error.correlationId === undefined ? {} : { correlation_id: error.correlationId }),
    request_id: requestId,
  };
};

const headersOf = ({ kind, retryAfterSeconds }: BrokerError, status: number): Record<string, string> => {
  const seconds = retryAfterSeconds ?? (status === 503 || status === 429 ? 30 : undefined);
  const challenge = {
    invalid_client: 'Basic realm="token broker", charset="UTF-8"',
    invalid_enrolment_token: 'Bearer realm="enrolment", error="invalid_token"',
    invalid_registration_token: 'Bearer realm="registration", error="invalid_token"',
    invalid_admin_key: 'Bearer realm="administration", error="invalid_token"',
  }[kind as string];
  return {
    ...(seconds === undefined ? {} : { 'Retry-After': String(Math.ceil(seconds)) }),
    ...(challenge === undefined ? {} : { 'WWW-Authenticate': challenge }),
  };
};

/** RFC 6749 section 5.2, with members of our own. */
export const oauthErrorReply = (asked: Asked): ErrorReply => {
  const outcome: Outcome = outcomeOf(asked.error);
  const status = outcome.oauthStatus ?? outcome.status;
  return {
    status,
    contentType: 'application/json',
    headers: headersOf(asked.error, status),
    body: common(asked, outcome),
  };
};

/** Problem details (RFC 9457), with the same members as extensions. */
export const problemReply = (asked: Asked): ErrorReply => {
  const outcome: Outcome = outcomeOf(asked.error);
  const { status } = outcome;
  return {
    status,
    contentType: 'application/problem+json',
    headers: headersOf(asked.error, status),
    body: {
      type: `urn:token-broker:error:${asked.error.kind}`,
      title: ERROR_TEXTS.en[asked.error.kind][0],
      status,
      ...(asked.error.detail === undefined ? {} : { detail: asked.error.detail }),
      ...common(asked, outcome),
    },
  };
};
