import type { Channel, Delivery, NoticeEvent, NoticeScope } from '../../domain/notice.ts';
import type { Records } from '../../records/index.ts';

/** Who brings it by the one channel, who by the other, and who settles it. */
const WRITE_ATTEMPTS = 10;

/**
 * Changes how far a telling has come on one channel, and leaves the other alone. `change` gives undefined where nothing is to
 * be changed; then, and where the telling is gone, undefined comes back.
 */
export const makeSetDelivery =
  ({ notices }: Pick<Records, 'notices'>) =>
  async (
    scope: NoticeScope,
    id: string,
    channel: Channel,
    change: (now: Delivery) => Delivery | undefined,
  ): Promise<NoticeEvent | undefined> => {
    for (let attempt = 0; attempt < WRITE_ATTEMPTS; attempt++) {
      const record = await notices.event(scope, id);
      const delivery = record && change(record.event[channel]);
      if (record === undefined || delivery === undefined) return undefined;
      const event = { ...record.event, [channel]: delivery };
      if (await notices.replaceEvent(scope, record, event)) return event;
    }
    throw new Error(`the telling ${id} changes faster than it can be read`);
  };
