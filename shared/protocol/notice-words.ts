import type { ErrorKind } from '../domain/errors.ts';
import type { Notice } from '../domain/notice.ts';
import type { ToldNotice } from '../domain/told-notice.ts';
import { NOTICE_TEXTS, type NoticeTexts } from './notice-texts/index.ts';
import { ERROR_TEXTS, type Language, preferredLanguage } from './texts/index.ts';

/** What a notice says in one language. */
export interface NoticeWords {
  readonly headline: string;
  /** Why; absent where the headline says it all. */
  readonly reason?: string;
  readonly remedy?: string;
}

export const languageOf = (locale: string): Language => preferredLanguage(locale);

const PROVIDER_NAMES = { microsoft: 'Microsoft', google: 'Google' } as const;

/** What it is about, as people know it. */
const nameOf = (notice: Notice, texts: NoticeTexts): string =>
  notice.kind === 'client_secret.expiring'
    ? texts.secretOf(PROVIDER_NAMES[notice.provider], notice.position)
    : notice.address;

export const reasonOf = (notice: Notice): ErrorKind | undefined => ('reason' in notice ? notice.reason : undefined);

/** What happened, then what to do. */
export const noticeWords = (
  { phase, of }: Pick<ToldNotice['event'], 'phase' | 'of'>,
  language: Language,
): NoticeWords => {
  const texts: NoticeTexts = NOTICE_TEXTS[language];
  if (of === undefined) return { headline: texts.mail.test };
  const { notice } = of;
  const name = nameOf(notice, texts);
  if (phase === 'resolved') return { headline: texts.resolved[notice.kind](name) };
  const isPartial = notice.kind === 'submission.failed' && notice.isPartial;
  const headline = isPartial
    ? texts.partlySent(name)
    : texts.headlines[notice.kind](name, 'daysLeft' in notice ? notice.daysLeft : 0);
  const reason = reasonOf(notice);
  if (reason !== undefined) {
    const [happened, remedy] = ERROR_TEXTS[language][reason];
    return { headline, reason: happened, remedy };
  }
  if (notice.kind === 'grant.expiring' || notice.kind === 'client_secret.expiring') {
    return { headline, remedy: texts.remedies[notice.kind] };
  }
  return { headline };
};
