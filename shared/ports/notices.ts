import type { Notice, NoticeName } from '../domain/notice.ts';

/** Tells people of what they must mend, and that it is mended. */
export interface Notices {
  /**
   * Durable when it resolves. One that is open already is not told again, however often it is raised; only what has come
   * nearer (`daysLeft`) is. May be raised a moment before what it tells of is written: it is looked at again before anybody is
   * told.
   */
  raise(notice: Notice): Promise<void>;
  /** It is mended. Where none is open nothing happens. Never throws: what was missed is found at the next reminder. */
  settle(name: NoticeName): Promise<void>;
}
