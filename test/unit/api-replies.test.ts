import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { API_REPLIES, type ApiStep, apiReplyRow } from '../../shared/domain/api-replies.ts';
import { PROVIDERS, type ProviderName } from '../../shared/domain/provider.ts';

describe('what the APIs of the providers say', () => {
  for (const provider of PROVIDERS) {
    for (const row of API_REPLIES[provider]) {
      it(`${provider}: ${row.outcome} (${row.reason}): ${row.sample.slice(0, 60)}`, () => {
        const step = row.steps?.[0] ?? 'send';
        assert.equal(apiReplyRow(provider, row.sample, step), row, 'the sample is sorted by its own row');
        assert.match(row.meaning, /^[A-Z].*\.$/);
      });
    }
  }

  const sorted = (provider: ProviderName, reply: string, step: ApiStep, hasRetryAfter = false) => {
    const { outcome, reason } = apiReplyRow(provider, reply, step, hasRetryAfter);
    return [outcome, reason];
  };

  it('takes a gateway that heard nothing for a message that may have been sent, where it was one', () => {
    for (const provider of PROVIDERS) {
      for (const reply of ['502 Bad Gateway', '504 GatewayTimeout The request timed out.']) {
        assert.deepEqual(sorted(provider, reply, 'send'), ['unknown', 'outcome_unknown']);
        assert.deepEqual(sorted(provider, reply, 'prepare'), ['deferred', 'mail_server_unavailable']);
        assert.deepEqual(sorted(provider, reply, 'send', true), ['deferred', 'mail_server_unavailable']);
      }
    }
  });

  it('tells a limit of the day from one of the minute', () => {
    const minute = '429 rateLimitExceeded User-rate limit exceeded.  Retry after 2027-01-04T09:30:00.000Z';
    assert.deepEqual(sorted('google', minute, 'send'), ['deferred', 'mail_server_unavailable']);
    assert.deepEqual(sorted('google', `${minute} (Mail sending)`, 'send'), ['deferred', 'sending_limit_reached']);
  });

  it('makes the whole mailbox wait for what concerns it, and for nothing else', () => {
    const isWide = (reply: string) => apiReplyRow('microsoft', reply, 'send').mailboxWide === true;
    assert.ok(isWide('429 TooManyRequests'));
    assert.ok(isWide('503 ServiceUnavailable'));
    assert.ok(!isWide('500 ErrorInternalServerError'));
    assert.ok(!isWide('409 ErrorIrresolvableConflict'));
  });

  it('has an answer to everything', () => {
    for (const reply of ['', '301 Moved', 'nonsense', '418 teapot', '599 x']) {
      for (const provider of PROVIDERS) assert.ok(sorted(provider, reply, 'send')[0]);
    }
  });
});
