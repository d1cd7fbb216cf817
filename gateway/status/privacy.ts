import type { View } from './elements.ts';

/**
 * What looks like a mail address, also with a quoted local part or an address literal (RFC 5321 section 4.1.2): servers like to name
 * the recipient in their replies. Bounded by the limits of its section 4.5.3.1, lest a long line take long.
 */
const ADDRESS = /(?:"[^"]{0,64}"|[^\s<>()[\]"',;:]{1,64})@(?:\[[^\]]{0,64}\]|[^\s<>()[\]"',;:]{1,255})/g;

/** The text as somebody may read it who has not given the password. */
export const withoutAddresses = (text: string): string => text.replaceAll(ADDRESS, '…@…');

/** What a program said, as this person may read it. */
export const asShownTo = ({ formToken }: View, text: string): string =>
  formToken === undefined ? withoutAddresses(text) : text;
