import type { TokenStatus } from '../../domain/grant.ts';
import type { Language } from './index.ts';

/** R13: the four states by the same words everywhere. */
export const STATUS_LABELS = {
  en: { not_acquired: 'Not acquired', waiting: 'Waiting for authentication', acquired: 'Acquired', invalid: 'Invalid' },
  fr: {
    not_acquired: 'Non obtenu',
    waiting: "En attente d'authentification",
    acquired: 'Obtenu',
    invalid: 'Non valide',
  },
  pl: {
    not_acquired: 'Nie uzyskano',
    waiting: 'Oczekiwanie na uwierzytelnienie',
    acquired: 'Uzyskano',
    invalid: 'Nieprawidłowy',
  },
  lt: { not_acquired: 'Negautas', waiting: 'Laukiama autentifikavimo', acquired: 'Gautas', invalid: 'Netinkamas' },
  da: { not_acquired: 'Ikke hentet', waiting: 'Afventer godkendelse', acquired: 'Hentet', invalid: 'Ugyldigt' },
} as const satisfies Record<Language, Record<TokenStatus, string>>;
