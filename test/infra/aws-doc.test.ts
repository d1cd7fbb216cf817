import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { readSettings, SETTING_NAMES } from '../../infra/settings/settings.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = ['docs/aws.md', 'docs/aws-backup.md'];
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const settingsWith = (context: Record<string, unknown>) => readSettings(new App({ context }).node);

/** Name, default and example of each row between the marks. */
const rows = (/<!-- settings -->([\s\S]*)<!-- \/settings -->/.exec(textOf('docs/aws.md'))?.[1] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => [...line.matchAll(/`([^`]*)`/g)].map(([, text]) => text ?? ''));

describe('docs/aws.md', () => {
  it('lists every setting there is', () => {
    assert.deepEqual(
      rows.map(([name]) => name),
      SETTING_NAMES,
    );
  });

  for (const [name = '', unlessSet, example] of rows) {
    it(`says of ${name} what holds unless it is set`, () => {
      assert.deepEqual(settingsWith({ [name]: unlessSet }), settingsWith({}));
    });

    it(`has an example of ${name} that is taken, and is another`, () => {
      assert.notDeepEqual(settingsWith({ [name]: example }), settingsWith({}));
    });
  }

  it('names only outputs that the stacks have', () => {
    const source = globSync('infra/**/*.ts', { cwd: ROOT }).map(textOf).join('\n');
    const named = [...textOf('docs/aws.md').matchAll(/outputs? `(\w+)`/g)].map(([, output]) => output ?? '');
    assert.ok(named.length >= 4);
    for (const output of named) {
      const [, id = '', suffix = ''] = /^(.*?)(Target)?$/.exec(output) ?? [];
      assert.ok(source.includes(`'${output}'`) || (suffix && source.includes(`'${id}', domain`)), output);
    }
  });
});

/** As GitHub makes them of headings. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll('`', '')
    .replaceAll(/[^\p{L}\p{N}\s-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

for (const page of PAGES) {
  describe(page, () => {
    it('links to pages and sections that are there', () => {
      for (const [, link = ''] of textOf(page).matchAll(/\]\(([^)]+)\)/g)) {
        if (link.startsWith('https:')) continue;
        const [path = '', anchor] = link.split('#');
        const target = path === '' ? textOf(page) : textOf(join(dirname(page), path));
        const headings = [...target.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading ?? ''));
        if (anchor !== undefined) assert.ok(headings.includes(anchor), link);
      }
    });

    it('names only commands that package.json has', () => {
      const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
      for (const [, script = ''] of textOf(page).matchAll(/npm run ([\w:]+)/g)) assert.ok(scripts[script], script);
    });
  });
}
