/** When people are told, and how often. Seconds unless named otherwise. */

/**
 * Mail waits this long for more to tell: what breaks together, breaks within a minute or two. A webhook is read by a program,
 * and gets every notice at once.
 */
export const GATHER_SECONDS = 120;

/** Between two mails to the same people, however much breaks: the grants of a tenant may end one by one, over a whole day. */
export const MAIL_INTERVAL_SECONDS = 1800;

/** Until it is mended, or is found to be. */
export const REMINDER_SECONDS = 86_400;

/**
 * A notice may be raised a moment before what it tells of is written, so that a crash in between loses nothing. What is not
 * so after this is not told.
 */
export const BEFORE_IT_IS_SO_SECONDS = 60;

/** A message that failed is listed so long; it stays in the list of submissions. */
export const FAILED_SUBMISSION_LISTED_SECONDS = 7 * 86_400;

/** What became of a telling can be looked up so long. */
export const EVENT_KEPT_SECONDS = 30 * 86_400;

/** A receiver that was restarted hears within seconds; one that is down for a weekend is asked every few hours. */
export const WEBHOOK_BACK_OFF = { firstSeconds: 5, capSeconds: 6 * 3600 };

/** After a weekend and a day. A notice that is not mended has been told of anew three times by then. */
export const WEBHOOK_GIVE_UP_SECONDS = 3 * 86_400;

/** While no mailbox can send it, mail is tried again after this. */
export const NO_MAILBOX_RETRY_SECONDS = 600;
export const MAIL_GIVE_UP_SECONDS = 3 * 86_400;

/** How soon one looks whether a mail in an outbox has been sent: most are within seconds. */
export const MAIL_LOOK_SECONDS = 15;

/** By so many mailboxes a mail is tried, one after another has failed it. */
export const MAIL_MAILBOXES = 3;

/** A worker's claim on a telling: longer than a receiver may take. */
export const NOTICE_CLAIM_SECONDS = 60;

/** One request to a receiver; the Standard Webhooks ask for 15 to 30 seconds, which would hold up others for long. */
export const WEBHOOK_TIMEOUT_SECONDS = 10;

/** A link in a notice lives until that is over, and at most so long: who finds the mail later asks for a new one. */
export const RECONNECT_SECONDS = 30 * 86_400;

/** Both secrets sign for so long after a new one was made, unless somebody says otherwise. */
export const WEBHOOK_SECRET_GRACE_SECONDS = 86_400;
export const MOST_WEBHOOK_SECRET_GRACE_SECONDS = 30 * 86_400;
