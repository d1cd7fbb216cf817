/** What waits in everybody's inbox. */
const SUBJECTS = ['A fax has come in', 'Toner is low', 'Total counter of October'];

export interface WaitingMessage {
  /** Stays the same for as long as the message is there. */
  readonly uid: number;
  readonly text: string;
}

const waitingFor = (address: string): WaitingMessage[] =>
  SUBJECTS.map((subject, index) => ({
    uid: index + 1,
    text: [
      'From: Notifications <notifications@contoso.example>',
      `To: ${address}`,
      `Subject: ${subject}`,
      `Date: Thu, 05 Nov 2026 1${index}:00:00 +0000`,
      `Message-ID: <waiting-${index + 1}@contoso.example>`,
      'Content-Type: text/plain; charset=us-ascii',
      '',
      `${subject}. This message is from the stand-in mail server.`,
      '',
    ].join('\r\n'),
  }));

/** Mail that has come for the accounts of the stand-ins. What is deleted is gone until the next start. */
export const standInInboxes = () => {
  const inboxes = new Map<string, WaitingMessage[]>();
  const of = (address: string): readonly WaitingMessage[] => {
    const name = address.toLowerCase();
    const known = inboxes.get(name) ?? waitingFor(address);
    inboxes.set(name, known);
    return known;
  };
  return {
    of,
    delete: (address: string, uids: ReadonlySet<number>): void => {
      inboxes.set(
        address.toLowerCase(),
        of(address).filter(({ uid }) => !uids.has(uid)),
      );
    },
  };
};

export type StandInInboxes = ReturnType<typeof standInInboxes>;
