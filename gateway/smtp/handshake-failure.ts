import type { LogFields } from '../../shared/ports/log.ts';

/** What OpenSSL's error says of the two ends (its names, as Node hands them out), and who can do what about it. */
const MEANINGS: readonly (readonly [code: RegExp, reason: string])[] = [
  [
    /UNSUPPORTED_PROTOCOL|VERSION_TOO_LOW|INAPPROPRIATE_FALLBACK/,
    'The device offers no version of TLS that this port takes. Use a port with an older profile, or newer firmware.',
  ],
  [
    /ALERT_PROTOCOL_VERSION/,
    'The device takes no version of TLS that this port has. Use a port with an older profile, or newer firmware.',
  ],
  [
    /NO_SHARED_CIPHER|NO_SUITABLE|HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY|WRONG_SIGNATURE_TYPE|UNSUPPORTED_ELLIPTIC/,
    'The device and this port have no cipher or signature in common. Use a port with an older profile.',
  ],
  [
    /UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_|UNSUPPORTED_CERTIFICATE|ACCESS_DENIED/,
    "The device does not trust the gateway's certificate. Install the root certificate on it, or switch the check off there.",
  ],
  [
    /WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH|BAD_RECORD_TYPE|UNEXPECTED_MESSAGE/,
    'The device did not speak TLS where it should have. Compare port and encryption in its settings.',
  ],
];

const OTHERWISE =
  "The device hung up during the TLS handshake, or right after it. Often it does not trust the gateway's certificate.";

export const SILENT =
  'The device sent nothing where TLS should have begun. Compare port and encryption in its settings: STARTTLS has its own port.';

export const HELLO_ON_PLAIN_PORT =
  'The device began with TLS on a port that does not. Use the TLS port, or STARTTLS, or let this port recognize TLS.';

export interface FailedHandshake {
  readonly address: string;
  /** The newest version that the device offered, where its hello told. */
  readonly offered: string | undefined;
  readonly error?: { readonly code?: string | undefined };
  /** Where it is known without asking OpenSSL. */
  readonly reason?: string;
}

/** For the log, in words (R31): which device, what it offered, and what to do. */
export const handshakeFailure = ({ address, offered, error, reason }: FailedHandshake): LogFields => {
  const code = error?.code;
  const meaning = MEANINGS.find(([pattern]) => code !== undefined && pattern.test(code))?.[1];
  return { address, offered, error_code: code, reason: reason ?? meaning ?? OTHERWISE };
};
