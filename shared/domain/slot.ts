/** What a device uses a mailbox for (R21). `user:<login>` is one for each person at the panel. */
export const FIXED_SLOTS = ['scan', 'alerts', 'fax', 'receive'] as const;

export const DEFAULT_SLOT = 'scan';

/** 64 characters hold any login name of the panels; the slot is part of a table key. */
const USER_SLOT = /^user:[\w.@+-]{1,64}$/i;

/** One person's own: its token goes with the person. */
export const isPersonal = (slot: string): boolean => slot.startsWith('user:');

/** The slot of this name; undefined: there is none. Login names are the same in any letter case, as panels capitalize. */
export const slotNamed = (text: string): string | undefined => {
  if ((FIXED_SLOTS as readonly string[]).includes(text)) return text;
  return USER_SLOT.test(text) ? text.toLowerCase() : undefined;
};
