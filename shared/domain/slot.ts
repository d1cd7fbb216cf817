/** What a device uses a mailbox for (R21). `user:<login>` is one for each person at the panel. */
export const FIXED_SLOTS = ['scan', 'alerts', 'fax', 'receive'] as const;

export const DEFAULT_SLOT = 'scan';

/** 64 characters hold any login name of the panels; the slot is part of a table key. */
const USER_SLOT = /^user:[\w.@+-]{1,64}$/;

export const isSlot = (text: string): boolean =>
  (FIXED_SLOTS as readonly string[]).includes(text) || USER_SLOT.test(text);
