import type { NoticeEvent } from '../../domain/notice.ts';
import { BEFORE_IT_IS_SO_SECONDS } from '../../domain/notice-timing.ts';
import { type Clock, epochSeconds } from '../../ports/clock.ts';
import type { Records } from '../../records/index.ts';
import type { NoticeStands } from './notice-stands.ts';
import type { NoticeBook } from './raise-notice.ts';

interface Dependencies {
  readonly records: Pick<Records, 'notices'>;
  readonly notices: Pick<NoticeBook, 'settle' | 'drop'>;
  readonly stands: NoticeStands;
  readonly clock: Clock;
}

/** Whether a telling is still to be brought. The notice of one that is not so any more is settled, or dropped. */
export const makeIsStillSo =
  ({ records, notices, stands, clock }: Dependencies) =>
  /** `wait`: it was raised a moment ago, and may become so yet. */
  async ({ id, of, phase, at }: NoticeEvent): Promise<'yes' | 'wait' | 'no'> => {
    if (of === undefined || phase === 'resolved') return 'yes';
    const standing = await stands(of.notice);
    if (standing === 'so') return 'yes';
    if (epochSeconds(clock) - at < BEFORE_IT_IS_SO_SECONDS) return 'wait';
    const open = await records.notices.open(of.notice);
    if (open?.open.eventId === id) await (standing === 'mended' ? notices.settle(of.notice) : notices.drop(of.notice));
    return 'no';
  };

export type IsStillSo = ReturnType<typeof makeIsStillSo>;
