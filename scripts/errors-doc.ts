/** Prints `docs/errors.md` from the tables; `--write` writes it, `--check` exits 1 when the file is stale. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { type Actor, ERROR_KINDS, type ErrorKind } from '../shared/domain/errors.ts';
import { OUTCOMES, type Outcome, type PanelCode } from '../shared/protocol/outcomes.ts';
import { ERROR_TEXTS } from '../shared/protocol/texts/index.ts';

export const ERRORS_DOC = new URL('../docs/errors.md', import.meta.url);

const PANEL_CODES: Readonly<Record<PanelCode, string>> = {
  360:
    'There is no connection to the cloud or mail service: the mailbox was never signed in, or the service does not ' +
    'answer. Sign in; if the mailbox is signed in already, wait and try again.',
  361: 'The sign-in of the mailbox no longer holds: it has expired, or the organization or the account stops it. Sign in.',
  370: 'The mailbox was disconnected, or a permission is missing. Sign in to the cloud service again.',
};

const ACTORS: Readonly<Record<Actor, string>> = {
  device: 'The device, or whoever sets it up: the same request will fail again until it is changed.',
  person: 'Whoever owns the mailbox: somebody has to sign in or approve.',
  operator: 'An administrator of the broker, of the device or of the mail organization has to change a setting.',
  nobody: 'It passes by itself: the device waits (`Retry-After` says how long) and tries again.',
};

const cells = (...texts: readonly string[]): string => `| ${texts.map((t) => t.replaceAll('|', '\\|')).join(' | ')} |`;

const rowOf = (kind: ErrorKind): string => {
  const outcome: Outcome = OUTCOMES[kind];
  const [message, remedy] = ERROR_TEXTS.en[kind];
  return cells(
    `\`${kind}\``,
    String(outcome.status),
    `${outcome.oauthStatus ?? outcome.status} \`${outcome.oauthError}\``,
    outcome.panelCode === undefined ? '–' : String(outcome.panelCode),
    outcome.actor,
    message,
    remedy,
  );
};

export const errorsDoc = (): string =>
  [
    '# Errors',
    '',
    'Everything that is expected to go wrong, what it looks like on each interface, and what to do about it. This page',
    'is generated from the code: change the tables in `shared/protocol`, then run `node scripts/errors-doc.ts --write`.',
    '',
    'The **HTTP** status is answered on the JSON interfaces; the **OAuth** status and error on the OAuth endpoints. Both',
    'replies also carry the panel code, who must act, and the message and remedy in English, French, Polish, Lithuanian',
    'or Danish, as `Accept-Language` asks.',
    '',
    '## Panel codes',
    '',
    'A device shows one of three numbers when a job fails because of its mailbox. An error without a number concerns the',
    'request or the message itself, or is met on the sign-in pages.',
    '',
    cells('code', 'meaning'),
    cells('---', '---'),
    ...Object.entries(PANEL_CODES).map(([code, meaning]) => cells(`**${code}**`, meaning)),
    '',
    '## Who must act',
    '',
    cells('who', 'meaning'),
    cells('---', '---'),
    ...Object.entries(ACTORS).map(([actor, meaning]) => cells(actor, meaning)),
    '',
    '## All errors',
    '',
    cells('kind', 'HTTP', 'OAuth', 'panel', 'who', 'message', 'remedy'),
    cells('---', '---', '---', '---', '---', '---', '---'),
    ...ERROR_KINDS.map(rowOf),
    '',
  ].join('\n');

if (import.meta.main) {
  if (process.argv.includes('--write')) {
    writeFileSync(ERRORS_DOC, errorsDoc());
  } else if (!process.argv.includes('--check')) {
    process.stdout.write(errorsDoc());
  } else if (!existsSync(ERRORS_DOC) || readFileSync(ERRORS_DOC, 'utf8') !== errorsDoc()) {
    console.error('error: docs/errors.md is missing or stale\nhint: run node scripts/errors-doc.ts --write');
    process.exitCode = 1;
  }
}
