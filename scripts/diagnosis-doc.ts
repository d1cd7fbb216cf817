/** Prints `docs/diagnosis.md` with its table of verdicts made anew from the texts; `--write` writes it. */
import { readFileSync, writeFileSync } from 'node:fs';
import { VERDICTS, type Verdict } from '../shared/domain/connection-test.ts';
import { CONNECTION_TEST_TEXTS } from '../shared/protocol/connection-test-texts/index.ts';
import { OUTCOMES, type Outcome } from '../shared/protocol/outcomes.ts';

export const DIAGNOSIS_DOC = new URL('../docs/diagnosis.md', import.meta.url);

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

const rowOf = (verdict: Verdict): string => {
  const [happened, remedy] = CONNECTION_TEST_TEXTS.en.verdicts[verdict];
  const { panelCode }: Outcome = OUTCOMES[VERDICTS[verdict]];
  return row(`\`${verdict}\``, panelCode === undefined ? '–' : String(panelCode), happened, remedy);
};

const table = (): string => {
  const [updateFailed, deleteIt] = CONNECTION_TEST_TEXTS.en.tokenUpdateFailed;
  const asIs = "the broker's own error ([errors.md](errors.md))";
  return [
    row('why', 'panel', 'what happened', 'what to do'),
    row('---', '---', '---', '---'),
    row('`no_grant`, `no_token`', 'as the error', asIs, asIs),
    row('`token_update_failed`', 'as the error', `${updateFailed} And why.`, `${deleteIt} And what the cause needs.`),
    ...Object.keys(VERDICTS).map((verdict) => rowOf(verdict as Verdict)),
  ].join('\n');
};

export const diagnosisDoc = (): string =>
  readFileSync(DIAGNOSIS_DOC, 'utf8').replace(
    /(<!-- verdicts -->\n).*(<!-- \/verdicts -->)/s,
    (_, before: string, after: string) => `${before}\n${table()}\n\n${after}`,
  );

if (import.meta.main) {
  if (process.argv.includes('--write')) writeFileSync(DIAGNOSIS_DOC, diagnosisDoc());
  else process.stdout.write(diagnosisDoc());
}
