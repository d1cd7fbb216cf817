import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { FUNCTIONS, type FunctionName } from '../../scripts/build.ts';
import { rightsTables } from '../../scripts/rights/tables.ts';
import { SECURITY_DOC, staleLines, writtenTables } from '../../scripts/rights-doc.ts';
import { synthesize } from './deployment.ts';

const page = readFileSync(SECURITY_DOC, 'utf8');
const tables = rightsTables();

/** The lines of one table, by its heading. */
const section = (lines: readonly string[], heading: string): readonly string[] => {
  const from = lines.indexOf(`### ${heading}`);
  const to = lines.findIndex((line, place) => place > from && line.startsWith('### '));
  assert.ok(from >= 0, heading);
  return lines.slice(from, to < 0 ? undefined : to).filter((line) => /^\| (?!---|who|of|function \|)/.test(line));
};

const rowsOf = (name: FunctionName): string[][] =>
  section(writtenTables(page), 'Functions')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter(([, holder]) => holder === `\`${name}\``);

describe('docs/security.md', () => {
  it('says what the templates say, line by line (node scripts/rights-doc.ts --write)', () => {
    const { untrue, missing } = staleLines(writtenTables(page), tables);
    for (const line of untrue) assert.fail(`not so: ${line}`);
    for (const line of missing) assert.fail(`missing: ${line}`);
    assert.deepEqual(writtenTables(page), tables);
  });

  it('has a line for each statement of each function, with just its actions', () => {
    const deployment = synthesize();
    for (const name of FUNCTIONS) {
      const actions = deployment.rightsOf(name).map((right) => [...right.actions].sort().join());
      const said = rowsOf(name).map(([, , may = '']) => (may.match(/[a-z0-9]+:[A-Za-z]+/g) ?? []).sort().join());
      assert.deepEqual(said.sort(), actions.sort(), name);
    }
  });

  it('leaves out no condition', () => {
    const deployment = synthesize();
    for (const name of FUNCTIONS) {
      const conditions = deployment
        .rightsOf(name)
        .flatMap(({ conditions: given }) => Object.values(given))
        .flatMap((keys) => Object.keys(keys));
      const said = rowsOf(name).flatMap(([, , , , condition = '']) => (condition === '' ? [] : condition.split('; ')));
      assert.equal(said.length, conditions.length, name);
    }
  });

  it('lists the roles of every stack', () => {
    const everything = section(tables, 'Other roles').join('\n');
    for (const principal of ['scheduler.amazonaws.com', 'ecs-tasks.amazonaws.com', 'vpc-flow-logs.amazonaws.com']) {
      assert.ok(everything.includes(principal), principal);
    }
  });

  it('speaks of every function where it says what somebody could do with it', () => {
    const said = page.slice(page.indexOf('## What somebody could do'), page.indexOf('## When the stacks'));
    for (const name of FUNCTIONS) assert.ok(said.includes(`\n| \`${name}\` |`), name);
  });
});
