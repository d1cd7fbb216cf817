import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { App } from 'aws-cdk-lib';
import { readSettings, SETTING_NAMES } from '../../infra/settings/settings.ts';
import { EVERYTHING, type Resource, templatesOf } from '../bench/deployment/templates.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGES = ['docs/aws.md', 'docs/aws-backup.md', 'docs/gateway-install.md', 'docs/vaults.md', 'README.md'];
const textOf = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

const settingsWith = (context: Record<string, unknown>) => readSettings(new App({ context }).node);

/** Name, default and example of each row between the marks. */
const rows = (/<!-- settings -->([\s\S]*)<!-- \/settings -->/.exec(textOf('docs/aws.md'))?.[1] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => [...line.matchAll(/`([^`]*)`/g)].map(([, text]) => text ?? ''));

/** With every option. */
const deployed: readonly (Resource & { readonly DeletionPolicy?: string })[] = templatesOf(EVERYTHING).flatMap(
  ({ resources }) => resources,
);

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

  it('takes out of the network the functions that are in it', () => {
    const [, named = ''] = /^for function in (.*); do$/m.exec(textOf('docs/aws.md')) ?? [];
    const inNetwork = deployed.filter(({ Properties }) => Properties?.VpcConfig !== undefined);
    assert.deepEqual(
      named
        .split(' ')
        .map((name) => `token-broker-${name}`)
        .sort(),
      inNetwork.map(({ Properties }) => Properties?.FunctionName).sort(),
    );
  });

  it('says of all that is kept how it goes', () => {
    const rows = /\| what \| how it goes \|([\s\S]*?)\n\n/.exec(textOf('docs/aws.md'))?.[1] ?? '';
    const said: Readonly<Record<string, RegExp>> = {
      'AWS::DynamoDB::Table': /aws dynamodb update-table/,
      'AWS::S3::Bucket': /aws s3 rb/,
      // It goes with its bucket.
      'AWS::S3::BucketPolicy': /aws s3 rb/,
      'AWS::SecretsManager::Secret': /five secrets.*aws secretsmanager delete-secret/,
      'AWS::KMS::Key': /aws kms schedule-key-deletion/,
      'AWS::EFS::FileSystem': /aws efs delete-file-system/,
      'AWS::IAM::Role': /`legacyTls`, the role/,
      'AWS::ApiGateway::Account': /`legacyTls`, the role/,
    };
    const kept = deployed.filter(({ DeletionPolicy = 'Delete' }) => DeletionPolicy !== 'Delete');
    assert.deepEqual([...new Set(kept.map(({ Type }) => Type))].sort(), Object.keys(said).sort());
    for (const how of Object.values(said)) assert.match(rows, how);
    assert.equal(kept.filter(({ Type }) => Type === 'AWS::SecretsManager::Secret').length, 5);
  });
});

const source = globSync('infra/**/*.ts', { cwd: ROOT }).map(textOf).join('\n');

const isOutput = (output: string): boolean => {
  const [, id = '', suffix = ''] = /^(.*?)(Target)?$/.exec(output) ?? [];
  return source.includes(`'${output}'`) || (suffix !== '' && source.includes(`'${id}', domain`));
};

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
        const target = path === '' ? page : join(dirname(page), path);
        assert.ok(existsSync(join(ROOT, target)), link);
        if (anchor === undefined) continue;
        const headings = [...textOf(target).matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading ?? ''));
        assert.ok(headings.includes(anchor), link);
      }
    });

    it('names only outputs that the stacks have', () => {
      const text = textOf(page);
      const named = [...text.matchAll(/outputs? `(\w+)`/g), ...text.matchAll(/OutputKey=='(\w+)'/g)];
      for (const [, output = ''] of named) assert.ok(isOutput(output), output);
    });

    it('gives settings that there are, with values that are taken', () => {
      const text = textOf(page);
      for (const [, name = ''] of text.matchAll(/ -c (\w+)=/g)) assert.ok(name in settingsWith({}), name);
      const documents = [
        ...text.matchAll(/```json\n([\s\S]*?)```/g),
        ...text.matchAll(/'(\{[^']*\})' > cdk\.context\.json/g),
      ];
      for (const [, json = ''] of documents) {
        if (/"providers"|"access_token"/.test(json)) continue;
        assert.notDeepEqual(settingsWith(JSON.parse(json)), settingsWith({}));
      }
    });

    it('names only commands that package.json has', () => {
      const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
      for (const [, script = ''] of textOf(page).matchAll(/npm run ([\w:]+)/g)) assert.ok(scripts[script], script);
    });
  });
}
