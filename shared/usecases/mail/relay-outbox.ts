import type { Records } from '../../records/index.ts';
import { newId } from '../secrets.ts';
import { makeMailboxPace } from './mailbox-pace.ts';
import { makeReportDelivery } from './report-delivery.ts';
import { makeSendOutbox, type SendOutboxOptions } from './send-outbox.ts';

/** Of all relay workers one at a time sends for a mailbox: that keeps the order. */
const HOLDER = 'relay';

/** `makeSendOutbox` for the broker's own outboxes. */
export const makeRelayOutbox = (
  options: Omit<SendOutboxOptions, 'records' | 'openPace' | 'report'> & {
    readonly records: Pick<Records, 'submissions' | 'mailboxes' | 'outboxes' | 'audit' | 'notices'>;
  },
) => {
  const { records, clock, random } = options;
  const mailboxPace = makeMailboxPace({ outboxes: records.outboxes, clock });
  return makeSendOutbox({
    ...options,
    openPace: (mailboxId, limits) => mailboxPace(mailboxId, { holder: HOLDER, owner: newId('run', random) }, limits),
    report: makeReportDelivery(options),
  });
};
