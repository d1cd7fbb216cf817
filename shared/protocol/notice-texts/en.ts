/** What notices say. Every other language has the same keys, or does not compile. First what happened, then what to do. */
export const en = {
  product: 'MFP Token Broker',
  headlines: {
    'grant.invalid': (name: string) => `The sign-in of ${name} has ended. Its devices cannot send any more.`,
    'grant.expiring': (name: string, days: number) =>
      `The sign-in of ${name} lapses in ${days} ${days === 1 ? 'day' : 'days'} unless it is used before.`,
    'submission.failed': (name: string) => `A message from ${name} could not be sent.`,
    'mailbox.held': (name: string) => `The mail of ${name} is held: nothing is sent until somebody acts.`,
    'client_secret.expiring': (name: string, days: number) =>
      days > 0
        ? `The client secret of ${name} expires in ${days} ${days === 1 ? 'day' : 'days'}.`
        : `The client secret of ${name} has expired.`,
  },
  /** In the place of the headline of `submission.failed`, where some recipients were refused. */
  partlySent: (name: string) => `A message from ${name} did not reach all of its recipients. The others have got it.`,
  resolved: {
    'grant.invalid': (name: string) => `${name} is signed in again.`,
    'grant.expiring': (name: string) => `The sign-in of ${name} is in use again and does not lapse.`,
    'submission.failed': (name: string) => `The message from ${name} needs no more attention.`,
    'mailbox.held': (name: string) => `The mail of ${name} is sent again.`,
    'client_secret.expiring': (name: string) => `The client secret of ${name} was replaced.`,
  },
  /** Where no error tells what to do. */
  remedies: {
    'grant.expiring': 'Choose “Refresh now” at the mailbox in the console; if that does not help, sign it in again.',
    'client_secret.expiring':
      'Make a new client secret with the provider and enter it beside the old one in the provider document.',
  },
  secretOf: (provider: string, position: number) => `the app registration with ${provider} (no. ${position})`,
  subjects: {
    many: (count: number) => `${count} things need your attention`,
    reminder: (headline: string) => `Reminder: ${headline}`,
    resolved: (headline: string) => `Resolved: ${headline}`,
    test: 'Test notification',
  },
  mail: {
    organization: 'Organization',
    reminder: (days: number) => `Still so after ${days} ${days === 1 ? 'day' : 'days'}.`,
    whatToDo: 'What to do',
    since: 'Since',
    detail: 'Detail',
    code: 'Code',
    correlationId: 'Correlation id',
    panelCode: 'Code at the panel',
    submission: 'Submission',
    device: 'Device',
    messageId: 'Message-ID',
    recipients: 'Not delivered to',
    signIn: 'To sign the mailbox in again, open this link, or send it to the owner of the mailbox:',
    more: (count: number) => `And ${count} more.`,
    console: 'All of it in the console:',
    why: 'This mail was sent by the MFP Token Broker because your address is entered there for notifications.',
    test: 'This is a test. Notifications by mail arrive here. There is nothing to do.',
  },
};
