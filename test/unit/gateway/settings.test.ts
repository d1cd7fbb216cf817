import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readGatewaySettings } from '../../../gateway/settings.ts';

const read = (document: string) => readGatewaySettings({ GATEWAY_CONFIG: document }, { host: '127.0.0.1' });

describe('the settings of a gateway', () => {
  it('takes a document after blanks and a byte order mark for what it is, and repeats nothing of it', () => {
    assert.equal(read('\uFEFF\n { "way": "relay" }').way, 'relay');
    assert.throws(() => read('\n{ "listed_devices": "hush" '), { message: 'GATEWAY_CONFIG is not JSON.' });
  });

  it('takes no setting of a listener that would change nothing', () => {
    const refused = (listener: object): string => {
      const document = JSON.stringify({
        listeners: [{ port: 2110, security: 'plain', protocol: 'smtp', ...listener }],
      });
      try {
        read(document);
      } catch (error) {
        return String(error);
      }
      return 'taken';
    };
    const recognition = /listeners\.0\.recognize_tls is for smtp with starttls or plain only\.$/;
    assert.match(refused({ protocol: 'pop3', recognize_tls: true }), recognition);
    assert.match(refused({ security: 'tls', recognize_tls: true }), recognition);
    const proxies = { trusted_proxies: ['192.0.2.1'] };
    assert.match(refused({ protocol: 'imap', ...proxies }), /listeners\.0\.trusted_proxies is for smtp only\.$/);
    assert.equal(refused({ recognize_tls: true, ...proxies }), 'taken');
    assert.equal(refused({ security: 'starttls', recognize_tls: true }), 'taken');
  });

  it('says in words that a list of listeners is empty', () => {
    assert.throws(() => read('{ "listeners": [] }'), { message: 'GATEWAY_CONFIG: listeners must name at least one.' });
  });
});
