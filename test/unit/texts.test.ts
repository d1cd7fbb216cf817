import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ERRORS_DOC, errorsDoc } from '../../scripts/errors-doc.ts';
import { ERROR_KINDS, type ErrorKind } from '../../shared/domain/errors.ts';
import { OUTCOMES, type Outcome } from '../../shared/protocol/outcomes.ts';
import { ERROR_TEXTS, isLanguage, LANGUAGES, preferredLanguage } from '../../shared/protocol/texts/index.ts';

const TRANSLATIONS = LANGUAGES.filter((language) => language !== 'en');

/** What a technician types, looks up or finds in a manual: the same in every language. */
const TECHNICAL_TOKENS = [
  'grant_type=client_credentials',
  'registration_access_token',
  'offline_access',
  'client id',
  'client secret',
  'Authorization: Bearer',
  'SMTP AUTH',
  'Conditional Access',
  'Microsoft 365',
  'RFC 5322',
];

const outcomes: readonly (readonly [ErrorKind, Outcome])[] = ERROR_KINDS.map((kind) => [kind, OUTCOMES[kind]]);

const kindsWhere = (holds: (outcome: Outcome) => boolean): ErrorKind[] =>
  outcomes.filter(([, outcome]) => holds(outcome)).map(([kind]) => kind);

describe('the texts of the errors', () => {
  for (const language of LANGUAGES) {
    it(`say in ${language}, for every kind, what happened and what to do`, () => {
      const texts = ERROR_TEXTS[language];
      assert.deepEqual(Object.keys(texts).sort(), [...ERROR_KINDS].sort());
      for (const kind of ERROR_KINDS) {
        assert.equal(texts[kind].length, 2, kind);
        for (const text of texts[kind]) assert.match(text, /^\S.*\.$/, kind);
      }
    });
  }

  for (const language of TRANSLATIONS) {
    it(`leave no sentence in English in ${language}`, () => {
      const english = new Set<string>(Object.values(ERROR_TEXTS.en).flat());
      const untranslated = Object.values(ERROR_TEXTS[language])
        .flat()
        .filter((text) => english.has(text));
      assert.deepEqual(untranslated, []);
    });

    it(`keep in ${language} what a technician types as it is typed`, () => {
      for (const kind of ERROR_KINDS) {
        const english = ERROR_TEXTS.en[kind].join(' ');
        const translated = ERROR_TEXTS[language][kind].join(' ');
        for (const token of TECHNICAL_TOKENS.filter((t) => english.includes(t))) {
          assert.ok(translated.includes(token), `${kind}: ${token}`);
        }
      }
    });
  }
});

describe('preferredLanguage', () => {
  const picks = (acceptLanguage: string | undefined, expected: string): void =>
    assert.equal(preferredLanguage(acceptLanguage), expected, String(acceptLanguage));

  it('picks the language of the highest quality', () => {
    picks('fr;q=0.3, da;q=0.9, pl;q=0.8', 'da');
    picks('fr;q=0.9, lt', 'lt');
  });

  it('allows white space around every separator (RFC 9110 section 5.6.6)', () => {
    picks('pl ; q=0.2 , da ; q=0.25', 'da');
    picks('fr ;\tq=0.2,\tlt\t', 'lt');
  });

  it('picks the first of two languages of the same quality', () => {
    picks('pl, da', 'pl');
    picks('da;q=0.5, pl;q=0.5, en;q=0.4', 'da');
  });

  it('lets a region fall back to its language, in any letter case', () => {
    picks('fr-CA', 'fr');
    picks('DA-dk, en;q=0.8', 'da');
    picks('pl-Latn-PL', 'pl');
  });

  it('passes over a language it does not have', () => {
    picks('de, sv;q=0.9, lt;q=0.1', 'lt');
  });

  it('ignores a language of quality zero', () => {
    picks('fr;q=0, pl;q=0.1', 'pl');
    picks('da;q=0.000', 'en');
  });

  it('answers English to an absent, empty or senseless header', () => {
    for (const header of [undefined, '', '*', ',,;;', ';q=1', 'q=0.5', '-fr', 'toString', '__proto__', 'fr_CA']) {
      picks(header, 'en');
    }
  });

  it('finds the language among garbage', () => {
    picks(',;;, =, \u0000, *;q=, lt;q=0.5', 'lt');
  });

  it('answers a known language, and never throws, whatever the header', () => {
    const tag = fc.oneof(fc.constantFrom(...LANGUAGES, '*', 'de', 'constructor', '__proto__'), fc.string());
    const quality = fc.oneof(fc.double(), fc.string(), fc.constantFrom('0', '0.000', '1.', '1.9', '-1'));
    const wish = fc.tuple(tag, quality).map(([language, q]) => `${language};q=${q}`);
    const header = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.array(wish).map(String));
    fc.assert(fc.property(header, (text) => isLanguage(preferredLanguage(text))));
  });

  it('answers the wanted language of the highest quality, whatever surrounds it', () => {
    const wishes = fc.uniqueArray(
      fc.record({ language: fc.constantFrom(...LANGUAGES), thousandths: fc.integer({ min: 1, max: 1000 }) }),
      // No two of the same quality, and no more than the 20 that are read.
      { minLength: 1, maxLength: 20, selector: ({ thousandths }) => thousandths },
    );
    fc.assert(
      fc.property(wishes, (wanted) => {
        const header = wanted.map(({ language, thousandths }) => `${language};q=${(thousandths / 1000).toFixed(3)}`);
        const [best] = wanted.toSorted((a, b) => b.thousandths - a.thousandths);
        assert.equal(preferredLanguage(header.join(', ')), best?.language);
      }),
    );
  });
});

describe('the outcomes of the errors', () => {
  it('answer 400 on the OAuth endpoints to every invalid_grant (RFC 6749 section 5.2)', () => {
    const others = kindsWhere((o) => o.oauthError === 'invalid_grant' && (o.oauthStatus ?? o.status) !== 400);
    assert.deepEqual(others, []);
  });

  it('give an OAuth status of their own only where it differs', () => {
    assert.deepEqual(
      kindsWhere((o) => o.oauthStatus === o.status),
      [],
    );
  });

  it('answer only with the status of an error', () => {
    const isError = (status: number): boolean => Number.isInteger(status) && status >= 400 && status <= 599;
    assert.deepEqual(
      kindsWhere((o) => !isError(o.status) || !isError(o.oauthStatus ?? o.status)),
      [],
    );
  });

  it('let nobody act only where waiting helps: 429 and 503', () => {
    assert.deepEqual(
      kindsWhere((o) => o.actor === 'nobody' && o.status !== 429 && o.status !== 503),
      [],
    );
  });

  it('show no other panel code than 360, 361 and 370', () => {
    assert.deepEqual(
      kindsWhere((o) => o.panelCode !== undefined && ![360, 361, 370].includes(o.panelCode)),
      [],
    );
  });
});

describe('docs/errors.md', () => {
  it('is what the tables say (node scripts/errors-doc.ts --write)', () => {
    assert.equal(readFileSync(ERRORS_DOC, 'utf8'), errorsDoc());
  });

  it('has one row for each kind', () => {
    const rows = errorsDoc()
      .split('\n')
      .map((line) => /^\| `(\w+)` \|/.exec(line)?.[1])
      .filter((kind) => kind !== undefined);
    assert.deepEqual(rows, [...ERROR_KINDS]);
  });
});
