import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { recently } from '../../../gateway/recently.ts';
import { systemClock } from '../../../shared/adapters/system/system-clock.ts';
import type { Log } from '../../../shared/ports/log.ts';

const SILENT: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

describe('what the status page shows of the log', () => {
  const shown = (event: string, fields: Parameters<Log['warn']>[1]) => {
    const lately = recently(SILENT, systemClock);
    lately.log.warn(event, fields);
    const [error] = lately.errors();
    return { kind: error?.kind, detail: error?.detail, subject: error?.subject };
  };

  it('tells why no TLS came about, and blames no broker for it', () => {
    const reason = 'The device does not trust the certificate.';
    const found = shown('smtp.tls_failed', { address: '192.0.2.7', reason });
    assert.deepEqual(found, { kind: undefined, detail: reason, subject: '192.0.2.7' });
  });

  it('says what to do with a device that never signs in', () => {
    const { kind, detail } = shown('smtp.not_signed_in', { address: '192.0.2.7' });
    assert.equal(kind, undefined);
    assert.match(detail ?? '', /Set user name and password/);
  });

  it("keeps the kind of the broker's errors, and the server's reply", () => {
    const found = shown('outbox.paused', { mailbox_id: 'mbx_1', reason: 'signed_out', response: '535 no' });
    assert.deepEqual(found, { kind: 'signed_out', detail: '535 no', subject: 'mbx_1' });
    assert.equal(shown('broker.unreachable', { detail: 'gone' }).kind, 'broker_unreachable');
  });
});
