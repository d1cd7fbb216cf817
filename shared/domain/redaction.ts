/** Names of fields whose values never belong into a log, whatever they look like. */
const SECRET_NAME = /^(authorization|(set-)?cookie|assertion|sasl.*|.*(token|secret|verifier|key|password))$/i;

const REDACTED = '[redacted]';

/**
 * Shapes of secrets inside text: JSON Web Tokens; tokens and client secrets of Microsoft and Google by their known
 * beginnings; SASL XOAUTH2 (base64 of `user=`); bearer and basic credentials; token parameters in URLs and bodies.
 */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]{8,}\.[\w-]{4,}(\.[\w-]*)*/g, REDACTED],
  // Work accounts begin `0.A` or `1.A`; personal ones `M.`, their access tokens `Ew`.
  [/\b(?:[01]\.A|M\.[A-Z])[\w.*!$-]{40,}/g, REDACTED],
  [/\bEw[A-Z][\w+/-]{80,}={0,2}/g, REDACTED],
  [/\b(?:1\/\/0|4\/0|ya29\.|GOCSPX-)[\w-]{20,}/g, REDACTED],
  // Of a webhook; and the link in a notice, by which a sign-in is begun.
  [/\bwhsec_[\w+/]{20,}={0,2}/g, REDACTED],
  [/(\/reconnect\/)[\w-]{20,}/g, `$1${REDACTED}`],
  [/\bdXNlcj[\w+/]{20,}={0,2}/g, REDACTED],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [
    /((?:^|[?&\s"'{,])(?:access_token|refresh_token|id_token|client_secret|code|code_verifier|device_code|state|password|assertion)["']?\s*[=:]\s*["']?)[^&\s"',}]+/gi,
    `$1${REDACTED}`,
  ],
];

export const redactText = (text: string): string =>
  SHAPES.reduce((redacted, [shape, replacement]) => redacted.replace(shape, replacement), text);

type LogValue = string | number | boolean | readonly string[] | undefined;

/** The fields of a log line with secrets taken out, by name and by shape. */
export const redactFields = (fields: { readonly [name: string]: LogValue }): { [name: string]: LogValue } => {
  const clean = (name: string, value: LogValue): LogValue => {
    if (value === undefined || typeof value === 'number' || typeof value === 'boolean') return value;
    if (SECRET_NAME.test(name)) return REDACTED;
    return typeof value === 'string' ? redactText(value) : value.map(redactText);
  };
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, clean(name, value)]));
};
