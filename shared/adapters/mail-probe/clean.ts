/** A server's words on one line, without anything of the access token: fit for a page, a table and a log. */
export type Clean = (text: string) => string;

/** Long enough for the longest known reply. */
const TEXT_LIMIT = 300;

/** No plain word is as long; a token, also turned into something else, is. */
const TOKEN_SHAPED = /[A-Za-z0-9+/=_.~-]{60,}/g;

/** Every run of characters that tokens are made of. */
const RUN = /[A-Za-z0-9+/=_.~-]{12,}/g;

/** So much of a secret in one piece gives it away. */
const PIECE = 12;

const LEFT_OUT = '[...]';

/** A server may echo what it did not understand, whole or in part, and with it the token. */
export const cleaner = (secrets: readonly string[]): Clean => {
  const gives = (run: string): boolean => {
    for (let at = 0; at + PIECE <= run.length; at++) {
      const piece = run.slice(at, at + PIECE);
      if (secrets.some((secret) => secret.includes(piece))) return true;
    }
    return false;
  };
  return (text) => {
    let clean = text.replace(/[\s\p{Cc}]+/gu, ' ').trim();
    for (const secret of secrets) clean = clean.replaceAll(secret, LEFT_OUT);
    clean = clean.replace(RUN, (run) => (gives(run) ? LEFT_OUT : run)).replace(TOKEN_SHAPED, LEFT_OUT);
    return clean.length <= TEXT_LIMIT ? clean : `${clean.slice(0, TEXT_LIMIT)}…`;
  };
};
