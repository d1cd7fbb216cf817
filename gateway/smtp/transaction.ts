import { domainToASCII } from 'node:url';
import type { SMTPServerAddress, SMTPServerDataStream, SMTPServerEnvelope } from 'smtp-server';
import { isAddress } from '../../shared/domain/envelope.ts';
import { type BrokerError, brokerError } from '../../shared/domain/errors.ts';
import type { ServedDevice } from '../../shared/domain/gateway.ts';
import { sameAddress } from '../../shared/domain/provider.ts';
import { type SmtpReply, smtpReplyOf } from '../../shared/protocol/smtp-reply.ts';
import { preferredLanguage } from '../../shared/protocol/texts/index.ts';
import { limitContent } from './content.ts';
import type { SmtpDeps, SmtpLimits } from './options.ts';
import { acceptedReply, protocolReply } from './replies.ts';

/** `AUTH` (RFC 4954 section 5) is heard and not heeded, as it says for whom is not trusted. */
const MAIL_PARAMETERS = ['SIZE', 'BODY', 'SMTPUTF8', 'AUTH'];

/** Offered neither are NOTIFY and ORCPT (RFC 3461), so whoever sends them relies on what is not there. */
const RCPT_PARAMETERS: readonly string[] = [];

const hasOnly = (known: readonly string[], { args }: SMTPServerAddress): boolean =>
  Object.keys(args || {}).every((name) => known.includes(name));

/** Bytes that were no UTF-8 have become U+FFFD, which is nobody's address. */
const isUsable = (address: string): boolean => isAddress(address) && !address.includes('\ufffd');

/** The parser decodes `xn--` domains; in ASCII they can be sent on where SMTPUTF8 is not offered (RFC 6531 section 3.2). */
const withAsciiDomain = (address: string): string => {
  const at = address.lastIndexOf('@') + 1;
  const domain = address.slice(at);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant
  if (/^[\x00-\x7f]*$/.test(domain)) return address;
  return `${address.slice(0, at)}${domainToASCII(domain) || domain}`;
};

export interface Transaction {
  /** Each answers with the refusal, or undefined: go on. */
  mail(device: ServedDevice, sender: SMTPServerAddress): Promise<SmtpReply | undefined>;
  recipient(device: ServedDevice, recipient: SMTPServerAddress, envelope: SMTPServerEnvelope): SmtpReply | undefined;
  /** Reads the content to its end. */
  content(device: ServedDevice, envelope: SMTPServerEnvelope, source: SMTPServerDataStream): Promise<SmtpReply>;
}

/** One message, from MAIL to the reply that it is durable (design rule 7). */
export const makeTransaction = (deps: SmtpDeps, limits: () => SmtpLimits): Transaction => {
  const { intake, log, clock, metrics } = deps;

  const refuse = ({ clientId, slot }: ServedDevice, at: string, reply: SmtpReply, kind?: string): SmtpReply => {
    log.warn('smtp.refused', { client_id: clientId, slot, at, reply: `${reply.code} ${reply.enhancedCode}`, kind });
    return reply;
  };

  /** In the device's language: it has signed in. */
  const refuseFor = (device: ServedDevice, at: string, error: BrokerError): SmtpReply => {
    metrics.message(error.kind);
    return refuse(device, at, smtpReplyOf(error, preferredLanguage(undefined, device.metadata.locale)), error.kind);
  };

  return {
    async mail(device, sender) {
      if (!hasOnly(MAIL_PARAMETERS, sender)) return refuse(device, 'MAIL', protocolReply('unknownParameter'));
      // Empty: the null reverse-path (RFC 5321 section 4.5.5).
      if (sender.address !== '' && !isUsable(sender.address)) return refuse(device, 'MAIL', protocolReply('badSender'));
      const announcedBytes = sender.args && sender.args.SIZE !== undefined ? Number(sender.args.SIZE) : undefined;
      if (announcedBytes !== undefined && announcedBytes > limits().sizeBytes) {
        return refuseFor(device, 'MAIL', brokerError('message_too_large'));
      }
      const admitted = await intake.admits(device, announcedBytes);
      return admitted.ok ? undefined : refuseFor(device, 'MAIL', admitted.error);
    },

    recipient(device, recipient, { rcptTo }) {
      if (!hasOnly(RCPT_PARAMETERS, recipient)) return refuse(device, 'RCPT', protocolReply('unknownParameter'));
      if (!isUsable(recipient.address)) return refuse(device, 'RCPT', protocolReply('badRecipient'));
      const isNew = !rcptTo.some(({ address }) => sameAddress(address, recipient.address));
      const isFull = rcptTo.length >= limits().recipients;
      return isNew && isFull ? refuse(device, 'RCPT', protocolReply('tooManyRecipients')) : undefined;
    },

    async content(device, { mailFrom, rcptTo }, source) {
      const startedAtMs = clock.now();
      const content = limitContent(source, limits().sizeBytes);
      const to = rcptTo.map(({ address }) => withAsciiDomain(address));
      const from = mailFrom ? withAsciiDomain(mailFrom.address) : '';
      try {
        const taken = await intake.take({ device, mailFrom: from, to, content: content.stream });
        if (content.failure() !== undefined) throw new Error('the intake has an answer to a message that broke off');
        if (!taken.ok) return refuseFor(device, 'DATA', taken.error);
        const { clientId, slot } = device;
        const facts = { size_bytes: content.sizeBytes(), duration_ms: clock.now() - startedAtMs };
        log.info('smtp.accepted', { client_id: clientId, slot, id: taken.value.id, recipients: to.length, ...facts });
        metrics.message('accepted');
        return acceptedReply(taken.value.id);
      } catch (error) {
        // The intake fails as its stream does: that is no bug, and `too_large` has a reply of its own.
        const failure = content.failure();
        if (failure === undefined) throw error;
        if (failure === 'too_large') return refuseFor(device, 'DATA', brokerError('message_too_large'));
        return refuse(device, 'DATA', protocolReply('internal'), failure);
      } finally {
        content.drop();
      }
    },
  };
};
