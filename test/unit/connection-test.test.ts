import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { DIAGNOSIS_DOC, diagnosisDoc } from '../../scripts/diagnosis-doc.ts';
import { TLS_SAMPLES, tlsTrouble } from '../../shared/adapters/mail-probe/tls-troubles.ts';
import {
  type ConnectionTest,
  SEEN,
  TEST_STEPS,
  type TestStep,
  TOKEN_VERDICTS,
  VERDICTS,
  type Verdict,
} from '../../shared/domain/connection-test.ts';
import type { ErrorKind } from '../../shared/domain/errors.ts';
import { SMTP_REPLIES, type SmtpStep, smtpReplyRow } from '../../shared/domain/smtp-replies.ts';
import { RECEIVE_REPLIES, receiveVerdict, smtpVerdict } from '../../shared/domain/test-replies.ts';
import { connectionTestReply, panelCodeOf, stepInWords } from '../../shared/protocol/connection-test.ts';
import {
  CONNECTION_TEST_TEXTS,
  type ConnectionTestTexts,
  placeholdersOf,
} from '../../shared/protocol/connection-test-texts/index.ts';
import { composeTestMessage } from '../../shared/protocol/test-message.ts';
import { ERROR_TEXTS, LANGUAGES } from '../../shared/protocol/texts/index.ts';

const STEPS: readonly SmtpStep[] = ['connect', 'sign_in', 'sender', 'recipient', 'message'];

describe('the verdicts of a connection test', () => {
  for (const [said, verdict] of [
    ['SmtpClientAuthentication is disabled for the Tenant.', 'smtp_switched_off'],
    ["user is locked by your organization's security defaults policy.", 'security_defaults'],
    ['the request did not meet the criteria to be authenticated successfully.', 'policy_blocks'],
  ] as const) {
    it(`make ${verdict} at the sign-in of: ${said}`, () => {
      assert.equal(smtpVerdict(`535 5.7.139 Authentication unsuccessful, ${said}`, 'sign_in'), verdict);
    });
  }

  for (const { verdict, sample, pattern } of RECEIVE_REPLIES) {
    it(`make ${verdict} of its sample: ${sample.slice(0, 60)}`, () => {
      assert.equal(
        RECEIVE_REPLIES.find((row) => row.pattern.test(sample))?.pattern,
        pattern,
        'an earlier row takes it',
      );
      for (const step of ['auth', 'mailbox'] as const) assert.equal(receiveVerdict(sample, step), verdict);
    });
  }

  for (const [sample, verdict] of TLS_SAMPLES) {
    it(`make ${verdict} of ${sample}`, () => {
      assert.deepEqual(tlsTrouble(Object.assign(new Error('x'), { code: sample })), { why: verdict, said: sample });
    });
  }

  it('say of every known reply, at every step, what the relay would say of it', () => {
    for (const { sample } of SMTP_REPLIES) {
      for (const step of STEPS) {
        const { reason } = smtpReplyRow(sample, step);
        const kind: ErrorKind = VERDICTS[smtpVerdict(sample, step)];
        assert.equal(kind, reason, `${step}: ${sample}`);
      }
    }
  });

  it('say of a reply at the sign-in to POP3 or IMAP that is not known that it was refused', () => {
    assert.equal(receiveVerdict('-ERR whatever', 'auth'), 'sign_in_refused');
    assert.equal(receiveVerdict('NO whatever', 'mailbox'), 'mailbox_refused');
  });
});

/** Every text with its place. */
const textsOf = (texts: ConnectionTestTexts): ReadonlyMap<string, string> => {
  const found = new Map<string, string>();
  const collect = (value: unknown, place: string): void => {
    if (typeof value === 'string') found.set(place, value);
    else for (const [name, inner] of Object.entries(value as object)) collect(inner, `${place}.${name}`);
  };
  collect(texts, '');
  return found;
};

const ENGLISH = textsOf(CONNECTION_TEST_TEXTS.en);

/** What a technician types or looks for: the same in every language. */
const TECHNICAL =
  /STARTTLS|starttls|ca_file|NODE_EXTRA_CA_CERTS|XOAUTH2|Set-CASMailbox|-SmtpClientAuthenticationDisabled \$false|Conditional Access|Send As|TLS 1\.2|Microsoft Entra|\b\d{2,4}\b/g;

/** Alike in two languages by chance. */
const ALIKE = new Set(['.steps.message', '.steps.mailbox', '.steps.token', '.steps.tcp', '.steps.tls']);

describe('the texts of a connection test', () => {
  for (const language of LANGUAGES) {
    const texts = textsOf(CONNECTION_TEST_TEXTS[language]);

    it(`say in ${language} everything, with the same things filled in`, () => {
      assert.deepEqual([...texts.keys()].sort(), [...ENGLISH.keys()].sort());
      for (const [place, text] of texts) {
        const expected = placeholdersOf(ENGLISH.get(place) ?? '').toSorted();
        assert.deepEqual(placeholdersOf(text).toSorted(), expected, place);
        if (!/^\.steps|subject/.test(place)) assert.match(text, /^\S.*[.}]$/, place);
      }
    });

    it(`keep in ${language} what is typed as it is typed`, () => {
      for (const [place, text] of texts) {
        const wanted = (ENGLISH.get(place) ?? '').match(TECHNICAL) ?? [];
        for (const token of wanted) assert.ok(text.includes(token), `${place}: ${token}`);
      }
    });

    if (language !== 'en') {
      it(`leave nothing in English in ${language}`, () => {
        const same = [...texts].filter(([place, text]) => text === ENGLISH.get(place) && !ALIKE.has(place));
        assert.deepEqual(same, []);
      });
    }
  }

  it('know every step, every sight and every verdict', () => {
    const { steps, seen, verdicts } = CONNECTION_TEST_TEXTS.en;
    assert.deepEqual(Object.keys(steps), [...TEST_STEPS]);
    assert.deepEqual(Object.keys(seen).sort(), [...SEEN].sort());
    assert.deepEqual(Object.keys(verdicts).sort(), Object.keys(VERDICTS).sort());
  });
});

const failedAt = (why: Verdict | (typeof TOKEN_VERDICTS)[number], kind: ErrorKind): TestStep => ({
  step: 'auth',
  durationMs: 12,
  outcome: 'failed',
  why,
  error: { kind, detail: '535 no', code: 'AADSTS1', correlationId: 'c-1' },
  facts: { account: 'scan@contoso.example', protocol: 'SMTP' },
});

const testWith = (...steps: TestStep[]): ConnectionTest => ({
  direction: 'send',
  protocol: 'smtp',
  account: 'scan@contoso.example',
  steps,
  durationMs: 34,
  route: 'smtp',
});

describe('a connection test on the wire', () => {
  it('tells each step with what was seen and the remedy, in words and for programs', () => {
    const name = { host: 'mail.test', addresses: '192.0.2.1', protocol: 'SMTP' };
    const reply = connectionTestReply(
      testWith(
        { step: 'name', durationMs: 3, outcome: 'passed', seen: 'name', facts: name },
        failedAt('smtp_switched_off', 'smtp_switched_off'),
      ),
      'en',
    );
    assert.deepEqual(reply.steps[0], {
      step: 'name',
      ok: true,
      label: 'Name of the server',
      detail: 'mail.test has the addresses 192.0.2.1.',
      seen: 'name',
      facts: name,
      duration_ms: 3,
    });
    const { remedy = '', ...second } = reply.steps[1] ?? assert.fail();
    assert.match(remedy, /Set-CASMailbox scan@contoso\.example -SmtpClientAuthenticationDisabled \$false/);
    assert.deepEqual(second, {
      step: 'auth',
      ok: false,
      label: 'Sign-in at the server',
      detail: 'Authenticated SMTP is switched off for this mailbox or its organization.',
      why: 'smtp_switched_off',
      error: 'smtp_switched_off',
      reply: '535 no',
      provider_code: 'AADSTS1',
      correlation_id: 'c-1',
      // The rest was told with the step before.
      facts: { account: 'scan@contoso.example' },
      duration_ms: 12,
    });
    const { steps, ...rest } = reply;
    assert.equal(steps.length, 2);
    assert.deepEqual(rest, {
      direction: 'send',
      protocol: 'smtp',
      account: 'scan@contoso.example',
      ok: false,
      panel_code: 360,
      route: 'smtp',
      duration_ms: 34,
    });
  });

  it('says that a step was left out, and shows no panel code where nothing failed', () => {
    const reply = connectionTestReply(
      testWith({ step: 'message', durationMs: 0, outcome: 'left_out', why: 'no_recipient' }),
      'da',
    );
    assert.deepEqual(reply.steps, [
      {
        step: 'message',
        ok: true,
        label: 'Meddelelse',
        detail: 'Der blev ikke sendt nogen meddelelse, da der ikke var angivet en modtager.',
        left_out: true,
        duration_ms: 0,
      },
    ]);
    assert.equal(reply.ok, true);
    assert.ok(!('panel_code' in reply));
  });

  const codes: readonly (readonly [why: Verdict | (typeof TOKEN_VERDICTS)[number], kind: ErrorKind, code?: number])[] =
    [
      ['no_grant', 'not_signed_in', 360],
      ['no_grant', 'signed_out', 370],
      ['token_update_failed', 'sign_in_lapsed', 361],
      ['token_update_failed', 'consent_withdrawn', 370],
      ['no_token', 'provider_unavailable', 360],
      ['tcp_refused', VERDICTS.tcp_refused, 360],
      ['sign_in_refused', VERDICTS.sign_in_refused, 360],
      ['policy_blocks', VERDICTS.policy_blocks, 361],
      ['recipient_refused', VERDICTS.recipient_refused],
    ];
  for (const [why, kind, code] of codes) {
    it(`has the panel code ${code ?? 'of none'} for ${why}, ${kind} (R26)`, () => {
      assert.equal(panelCodeOf(testWith(failedAt(why, kind))), code);
    });
  }

  for (const language of LANGUAGES) {
    it(`says in ${language} of a failed update to delete the token and get it again, and why (R25)`, () => {
      const { detail, remedy = '' } = stepInWords(failedAt('token_update_failed', 'conditional_access'), language);
      const [happened, what] = CONNECTION_TEST_TEXTS[language].tokenUpdateFailed;
      const [why, further] = ERROR_TEXTS[language].conditional_access;
      assert.equal(detail, `${happened} ${why}`);
      assert.equal(remedy, `${what} ${further}`);
    });
  }

  it("takes the words of the broker's own error where there is no token", () => {
    const { detail, remedy } = stepInWords(failedAt('no_token', 'provider_unavailable'), 'pl');
    assert.deepEqual([detail, remedy], [...ERROR_TEXTS.pl.provider_unavailable]);
  });
});

describe('the message of a connection test', () => {
  const made = (language: string): string =>
    composeTestMessage({
      language,
      from: 'scan@contoso.example',
      to: 'ann@a.example',
      id: 'test_1',
      at: Date.UTC(2026, 10, 7, 10) / 1000,
    });

  const bodyOf = (message: string): string =>
    Buffer.from(message.split('\r\n\r\n')[1] ?? '', 'base64').toString('utf8');

  it('has the fields that a message must have, and asks for no automatic answer', () => {
    assert.match(
      made('en'),
      /^From: <scan@contoso\.example>\r\nTo: <ann@a\.example>\r\nSubject: .*\r\nDate: Sat, 07 Nov 2026 10:00:00 \+0000\r\nMessage-ID: <test_1@contoso\.example>\r\nAuto-Submitted: auto-generated\r\n/s,
    );
  });

  for (const language of LANGUAGES) {
    it(`is written in ${language}, in seven bits and short lines`, () => {
      const message = made(language);
      assert.match(message, /^[\r\n\x20-\x7e]*$/);
      for (const line of message.split('\r\n')) assert.ok(line.length <= 76, line);
      const { subject, body } = CONNECTION_TEST_TEXTS[language].message;
      assert.equal(bodyOf(message), `${body.replace('{account}', 'scan@contoso.example')}\r\n`);
      const words = [...message.matchAll(/=\?utf-8\?B\?([^?]*)\?=/g)].map(([, word = '']) => word);
      const decoded = words.map((word) => Buffer.from(word, 'base64').toString('utf8')).join('');
      assert.equal(decoded || /^Subject: (.*)$/m.exec(message)?.[1], subject);
      for (const word of words) assert.doesNotMatch(Buffer.from(word, 'base64').toString('utf8'), /\ufffd/);
    });
  }

  it('is in English where the language is not known', () => {
    assert.equal(made('toString'), made('en'));
  });
});

describe('docs/diagnosis.md', () => {
  it('is what the texts say (node scripts/diagnosis-doc.ts --write)', () => {
    assert.equal(readFileSync(DIAGNOSIS_DOC, 'utf8'), diagnosisDoc());
  });

  it('has a row for every verdict and every step', () => {
    for (const name of [...Object.keys(VERDICTS), ...TOKEN_VERDICTS, ...TEST_STEPS]) {
      assert.match(diagnosisDoc(), new RegExp(`^\\| [^|]*\`${name}\``, 'm'));
    }
  });
});
