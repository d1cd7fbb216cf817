import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readGatewaySettings } from '../../../gateway/settings.ts';

const read = (document: string) => readGatewaySettings({ GATEWAY_CONFIG: document }, { host: '127.0.0.1' });

describe('the settings of a gateway', () => {
  it('takes a document after blanks and a byte order mark for what it is, and repeats nothing of it', () => {
    assert.equal(read('\uFEFF\n { "way": "relay" }').way, 'relay');
    assert.throws(() => read('\n{ "listed_devices": "hush" '), { message: 'GATEWAY_CONFIG is not JSON.' });
  });

  it('says in words that a list of listeners is empty', () => {
    assert.throws(() => read('{ "listeners": [] }'), { message: 'GATEWAY_CONFIG: listeners must name at least one.' });
  });
});
