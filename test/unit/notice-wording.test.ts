import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import parseAddresses from 'nodemailer/lib/addressparser';
import { notificationTextsIn } from '../../console/texts/notifications/index.ts';
import type { Notice, NoticeKind, NoticePhase } from '../../shared/domain/notice.ts';
import type { ToldNotice } from '../../shared/domain/told-notice.ts';
import { noticeMail, noticeWording } from '../../shared/protocol/notice-mail.ts';
import { NOTICE_TEXTS } from '../../shared/protocol/notice-texts/index.ts';
import { LANGUAGES } from '../../shared/protocol/texts/index.ts';

const ABOUT = {
  ...{ subject: 'mbx_1', mailboxId: 'mbx_1', organizationId: 'org_1', address: 'scan@contoso.example' },
  ...{ detail: 'As the provider says it.', code: 'AADSTS700082', correlationId: '9b2f0000-1111-2222' },
};

const NOTICES: Readonly<Record<NoticeKind, Notice>> = {
  'grant.invalid': { kind: 'grant.invalid', ...ABOUT, reason: 'sign_in_lapsed' },
  'grant.expiring': { kind: 'grant.expiring', ...ABOUT, daysLeft: 7 },
  'submission.failed': {
    ...{ kind: 'submission.failed', ...ABOUT, subject: 'sub_1' },
    ...{ reason: 'mail_server_refused_message', clientId: 'abcdefghjkmn' },
    ...{ messageId: '<1@mfp.example>', recipients: ['ann@fabrikam.example'], isPartial: false },
  },
  'mailbox.held': { kind: 'mailbox.held', ...ABOUT, reason: 'smtp_switched_off' },
  'client_secret.expiring': {
    ...{ kind: 'client_secret.expiring', subject: 'microsoft/1', provider: 'microsoft', clientId: 'client' },
    ...{ position: 1, expiresOn: '2027-03-01', daysLeft: 30 },
  },
};

const told = (
  notice: Notice | undefined,
  phase: NoticePhase = 'raised',
  changes: Partial<ToldNotice> = {},
): ToldNotice => ({
  event: {
    ...{ id: 'evt_1', phase, at: 1_800_000_000 },
    ...(notice && { of: { id: 'ntc_1', notice, since: 1_799_800_000, reminders: 2 } }),
  },
  organization: { id: 'org_1', name: 'Contoso' },
  reconnectUrl: 'https://broker.example/reconnect/token',
  consoleUrl: 'https://broker.example/console/mailboxes/mbx_1',
  ...changes,
});

const mailOf = (tellings: readonly ToldNotice[], locale = 'en', more = 0) => {
  const raw = Buffer.from(
    noticeMail({
      ...{ told: tellings, more, locale, consoleUrl: 'https://broker.example/', from: 'relay@contoso.example' },
      ...{
        to: ['it@contoso.example', 'help@contoso.example'],
        messageId: '<sub_1@contoso.example>',
        at: 1_800_000_000,
      },
    }),
  );
  const text = raw.toString('latin1');
  const [head = '', body = ''] = [text.slice(0, text.indexOf('\r\n\r\n')), text.slice(text.indexOf('\r\n\r\n') + 4)];
  const header = (name: string): string =>
    (new RegExp(`^${name}: (.*(?:\\r\\n[ \\t].*)*)`, 'im').exec(head)?.[1] ?? '')
      .replaceAll(/\?=\r\n =\?/g, '?==?')
      .replaceAll('\r\n ', ' ')
      .replace(/=\?utf-8\?B\?([^?]*)\?=/g, (_, word) => Buffer.from(word, 'base64').toString('utf8'));
  return { raw, head, header, text: Buffer.from(body, 'base64').toString('utf8') };
};

const stringsIn = (value: unknown): string[] => {
  if (typeof value === 'string') return [value];
  if (typeof value === 'function') return [String((value as (...args: unknown[]) => unknown)('NAME', 2))];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(stringsIn) : [];
};

describe('the words of a notice', () => {
  for (const language of LANGUAGES) {
    it(`say in ${language} of every kind and phase what happened, by mail and by webhook`, () => {
      for (const notice of Object.values(NOTICES)) {
        for (const phase of ['raised', 'reminder', 'resolved'] as const) {
          const { text, header } = mailOf([told(notice, phase)], language);
          const about = notice.kind === 'client_secret.expiring' ? 'Microsoft' : 'scan@contoso.example';
          assert.ok(text.includes(about), `${notice.kind} ${phase}`);
          assert.ok(header('subject').includes(about), header('subject'));
          assert.ok(!text.includes('undefined') && !text.includes('[object'), text);
          const hook = JSON.parse(noticeWording.webhook(told(notice, phase), language));
          assert.equal(hook.type, notice.kind);
          assert.ok(hook.data.message.includes(about));
        }
      }
    });
  }

  for (const language of LANGUAGES.filter((one) => one !== 'en')) {
    it(`leave no sentence in English in ${language}, of notices and of the pages about them`, () => {
      const sentences = (texts: unknown) => stringsIn(texts).filter((text) => text.includes(' '));
      const pairs = [
        [sentences(NOTICE_TEXTS.en), sentences(NOTICE_TEXTS[language])],
        [sentences(notificationTextsIn('en')), sentences(notificationTextsIn(language))],
      ] as const;
      for (const [english, translated] of pairs) {
        assert.equal(translated.length > 10, true);
        const product = 'MFP Token Broker';
        assert.deepEqual(
          translated.filter((text) => text !== product && english.includes(text)),
          [],
        );
      }
    });
  }
});

describe('a mail', () => {
  it('is an internet message that no machine answers', () => {
    const { raw, header, text } = mailOf([told(NOTICES['grant.invalid'])]);
    assert.ok(raw.every((byte) => byte < 128));
    for (const line of raw.toString('latin1').split('\r\n')) assert.ok(line.length <= 998 && !/[\r\n]/.test(line));
    const [from] = parseAddresses(header('from'), { flatten: true });
    assert.deepEqual([from?.name, from?.address], ['MFP Token Broker', 'relay@contoso.example']);
    const to = parseAddresses(header('to'), { flatten: true }).map(({ address }) => address);
    assert.deepEqual(to, ['it@contoso.example', 'help@contoso.example']);
    assert.equal(header('date'), 'Fri, 15 Jan 2027 08:00:00 +0000');
    assert.equal(header('message-id'), '<sub_1@contoso.example>');
    assert.equal(header('auto-submitted'), 'auto-generated');
    assert.equal(header('mime-version'), '1.0');
    for (const expected of ['AADSTS700082', '361', 'https://broker.example/reconnect/token', 'Contoso']) {
      assert.ok(text.includes(expected), `${expected} in ${text}`);
    }
  });

  it('has a subject in encoded-words that cut no character in two, and are not too long', () => {
    const { head, header } = mailOf([told(NOTICES['grant.expiring'])], 'lt');
    assert.match(header('subject'), /^Prisijungimo prie pašto dėžutės scan@contoso\.example galiojimas baigsis/);
    const words = head.match(/=\?utf-8\?B\?[^?]*\?=/g) ?? [];
    assert.ok(words.length > 1);
    for (const word of words) assert.ok(word.length <= 75, word);
  });

  it('tells of many in one, and how many there are besides', () => {
    const { header, text } = mailOf([told(NOTICES['grant.invalid']), told(NOTICES['mailbox.held'])], 'en', 7);
    assert.equal(header('subject'), '9 things need your attention');
    assert.match(text, /And 7 more\./);
  });

  it('carries what the provider finds the attempt by, and of a message all that it is known by', () => {
    assert.match(mailOf([told(NOTICES['grant.invalid'])]).text, /Correlation id: 9b2f0000-1111-2222/);
    const consoleUrl = 'https://broker.example/console/submissions/sub_1';
    const { text } = mailOf([told(NOTICES['submission.failed'], 'raised', { deviceName: 'Floor 2', consoleUrl })]);
    for (const expected of ['<1@mfp.example>', 'ann@fabrikam.example', 'Floor 2 (abcdefghjkmn)', consoleUrl]) {
      assert.ok(text.includes(expected), `${expected} in ${text}`);
    }
  });

  it('says of a message that not all have got, in every language, that others have', () => {
    const partial = { ...NOTICES['submission.failed'], isPartial: true, reason: 'invalid_recipient' } as Notice;
    for (const language of LANGUAGES) {
      const { text } = mailOf([told(partial)], language);
      assert.ok(text.includes(NOTICE_TEXTS[language].partlySent('scan@contoso.example')), text);
      assert.ok(!text.includes(NOTICE_TEXTS[language].headlines['submission.failed']('scan@contoso.example')), text);
    }
    const { data } = JSON.parse(noticeWording.webhook(told(partial), 'en'));
    assert.equal(data.partial, true);
  });

  it('has no link where nothing is to be done', () => {
    const { text } = mailOf([told(NOTICES['grant.invalid'], 'resolved', { reconnectUrl: undefined })]);
    assert.ok(!text.includes('reconnect'));
  });

  it('has no field and no line of its own that came from elsewhere, whatever a name or a reply holds', () => {
    const evil = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom(
        'x\r\nBcc: evil@example.org',
        'x\nSubject: y',
        '\r\n\r\nbody',
        '\u2028x',
        '=?utf-8?B?QQ==?=',
        '\0',
      ),
    );
    const clean = mailOf([told(NOTICES['grant.invalid'])]);
    const fieldsOf = (head: string) =>
      head
        .split('\r\n')
        .filter((line) => !line.startsWith(' '))
        .map((line) => line.split(':')[0]);
    const linesOf = (text: string) => text.split('\r\n').length;
    fc.assert(
      fc.property(evil, evil, evil, (name, address, detail) => {
        const notice = { ...NOTICES['grant.invalid'], address: `a${address}`, detail: `a${detail}` } as Notice;
        const mail = mailOf([told(notice, 'raised', { organization: { id: 'org_1', name: `a${name}` } })]);
        assert.deepEqual(fieldsOf(mail.head), fieldsOf(clean.head));
        assert.equal(linesOf(mail.text), linesOf(clean.text));
      }),
    );
  });
});

describe('a webhook', () => {
  it('says what happened in fields, and nothing that is not there', () => {
    const body = JSON.parse(
      noticeWording.webhook(told(NOTICES['submission.failed'], 'raised', { deviceName: 'Floor 2' }), 'en'),
    );
    assert.deepEqual(body, {
      type: 'submission.failed',
      timestamp: '2027-01-15T08:00:00Z',
      data: {
        event_id: 'evt_1',
        phase: 'raised',
        notice_id: 'ntc_1',
        kind: 'submission.failed',
        since: '2027-01-13T00:26:40Z',
        reminders: 2,
        reason: 'mail_server_refused_message',
        actor: 'device',
        mailbox: { mailbox_id: 'mbx_1', address: 'scan@contoso.example' },
        submission_id: 'sub_1',
        message_id: '<1@mfp.example>',
        recipients: ['ann@fabrikam.example'],
        partial: false,
        device: { client_id: 'abcdefghjkmn', name: 'Floor 2' },
        detail: 'As the provider says it.',
        provider_code: 'AADSTS700082',
        correlation_id: '9b2f0000-1111-2222',
        organization: { organization_id: 'org_1', name: 'Contoso' },
        message: 'A message from scan@contoso.example could not be sent. The mail server refused the message.',
        remedy: 'Read the reply of the server and correct the message.',
        sign_in_url: 'https://broker.example/reconnect/token',
        console_url: 'https://broker.example/console/mailboxes/mbx_1',
      },
    });
  });

  it('of a client secret names the registration, and no secret', () => {
    const { data } = JSON.parse(
      noticeWording.webhook(told(NOTICES['client_secret.expiring'], 'raised', { organization: undefined }), 'en'),
    );
    assert.deepEqual(data.app_registration, {
      ...{ provider: 'microsoft', client_id: 'client', secret_position: 1, expires_on: '2027-03-01' },
    });
    assert.equal(data.days_left, 30);
    assert.equal(data.organization, null);
  });

  it('that is a test is about nothing', () => {
    const { type, data } = JSON.parse(noticeWording.webhook(told(undefined, 'test'), 'en'));
    assert.equal(type, 'test');
    assert.deepEqual([data.phase, data.notice_id, data.mailbox], ['test', undefined, undefined]);
  });
});
