import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';

const MAIN = join(import.meta.dirname, '../../../gateway/main.ts');

describe('a gateway that cannot start', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-start-'));
  after(() => rmSync(folder, { recursive: true }));

  const says = (changes: Readonly<Record<string, string>>): string => {
    const env = { PATH: process.env.PATH, GATEWAY_DATA_DIR: join(folder, 'data'), ...changes };
    const { status, stderr } = spawnSync(process.execPath, [MAIN], { env, encoding: 'utf8', timeout: 30_000 });
    assert.equal(status, 1, stderr);
    return stderr;
  };

  it('says in one line that its data folder cannot be used', () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const expected = /^error: The data folder .* cannot be used \(E.*\); check who may write there.*\n$/;
    assert.match(says({ GATEWAY_DATA_DIR: join(file, 'data') }), expected);
    assert.match(says({ GATEWAY_DATA_DIR: file }), expected);
  });

  it('says in one line that the proxy is none, and does not repeat it', () => {
    const said = says({ HTTPS_PROXY: 'somebody:hush' });
    assert.match(said, /^error: HTTPS_PROXY or HTTP_PROXY is no address of a proxy; .*\n$/);
    assert.ok(!said.includes('hush'));
  });

  it('says once what is wrong with its enrolment, and what to check', () => {
    const said = says({ GATEWAY_BROKER_URL: 'http://127.0.0.1:1', GATEWAY_ENROLMENT_TOKEN: 'made-up' });
    assert.match(said, /cannot be reached \([^)]*\)\. Check GATEWAY_BROKER_URL, .*[^.]\.\n$/);
  });
});
