import { messageIdOf } from '../domain/message-fields.ts';
import { CONNECTION_TEST_TEXTS, filledIn } from './connection-test-texts/index.ts';
import { plainMail } from './plain-mail.ts';
import { isLanguage } from './texts/index.ts';

/** The message of a connection test. Addresses are bare and checked, so that they can stand in a header. */
export const composeTestMessage = (message: {
  readonly language: string;
  readonly from: string;
  readonly to: string;
  readonly id: string;
  readonly at: number;
}): string => {
  const { language, from, to, id, at } = message;
  const { subject, body } = CONNECTION_TEST_TEXTS[isLanguage(language) ? language : 'en'].message;
  return plainMail({
    from: `<${from}>`,
    to: `<${to}>`,
    subject,
    at,
    messageId: messageIdOf(id, from),
    text: `${filledIn(body, { account: from })}\r\n`,
  });
};
