import type { ConnectionTestTexts } from './index.ts';

export const en: ConnectionTestTexts = {
  steps: {
    grant: 'Sign-in of the mailbox',
    token: 'Access token',
    name: 'Name of the server',
    tcp: 'Connection',
    tls: 'Encryption (TLS)',
    greeting: 'Greeting',
    auth: 'Sign-in at the server',
    envelope: 'Sender and recipient',
    message: 'Message',
    mailbox: 'Mailbox',
  },
  seen: {
    grant: 'Signed in as {signed_in} since {since}.',
    token: 'The provider gave a new access token; minutes it is good for: {minutes}.',
    token_at_hand:
      'The provider gave no new access token just now. The one at hand is still good; minutes left: {minutes}.',
    name: '{host} has the addresses {addresses}.',
    name_is_address: '{host} is an address already.',
    tcp: '{address} answers at port {port} after {milliseconds} ms.',
    tls: '{version} with {cipher}. Certificate for {certificate}, issued by {issuer}, valid until {expires}.',
    greeting: 'The server says: {said}',
    greeting_with_size: 'The server takes messages of up to {megabytes} MB, and says: {said}',
    auth: 'The server accepts the access token for {account}.',
    envelope: 'The server takes mail from {sender} to {recipient}.',
    message: 'The server took the message to {recipient}, and says: {said}',
    mailbox: 'The server opens the mailbox. Messages in it: {messages}.',
  },
  verdicts: {
    name_unknown: [
      'The name {host} is not known.',
      "The operator of the broker checks the host of the mail server in the configuration, and the machine's DNS server.",
    ],
    name_lookup_failed: [
      'The address of {host} could not be looked up.',
      'The operator of the broker checks its network and its DNS server. Then test again.',
    ],
    tcp_refused: [
      '{host} refuses connections at port {port}.',
      'The operator of the broker checks host and port of the mail server in the configuration.',
    ],
    tcp_silent: [
      '{host} does not answer at port {port}.',
      'A firewall may be in between: allow connections from the broker to this port. Port 25 is closed in many networks; use 587, 465, 993 or 995.',
    ],
    tcp_unreachable: [
      'There is no way through the network to {host}, port {port}.',
      'The operator of the broker checks its network: routes, firewall, and IPv6 where the server has no other address.',
    ],
    tls_not_spoken: [
      'The server does not begin with TLS at port {port}.',
      'The operator of the broker sets security to starttls for this port, or takes the port that begins with TLS: 465, 993 or 995.',
    ],
    tls_from_first_byte: [
      'The server begins with TLS at port {port}, while the broker waits for a greeting.',
      'The operator of the broker sets security to tls for this port, or takes the port for STARTTLS: 587 for sending.',
    ],
    starttls_missing: [
      'The server does not offer STARTTLS at port {port}, and without encryption no token is sent.',
      'The operator of the broker checks host and port. A firewall that inspects mail may take STARTTLS away: exempt the broker there.',
    ],
    starttls_refused: [
      'The server offers STARTTLS and then refuses it.',
      'Test again in a few minutes. If it stays so, the administrator of the server must look after its certificate.',
    ],
    tls_too_old: [
      'The server knows only versions of TLS that are too old.',
      'The broker wants TLS 1.2 or newer. The administrator of the server must allow it, or of whatever ends TLS in between.',
    ],
    tls_failed: [
      'The encryption could not be set up.',
      'The reply names the cause. The administrator of the server checks its TLS settings.',
    ],
    certificate_untrusted: [
      'The certificate for {certificate} was issued by {issuer}, which is not trusted.',
      'If the server is your own, the operator of the broker names its authority in ca_file or NODE_EXTRA_CA_CERTS. If not, something in between opens the encryption: exempt the broker there.',
    ],
    certificate_not_valid_now: [
      'The certificate for {certificate} is not valid now; it ends on {expires}.',
      'The administrator of the server must renew it. If the date is in the future, check the clock of the broker.',
    ],
    certificate_other_name: [
      'The certificate is for {certificate}, not for {host}.',
      'The operator of the broker enters as host a name that stands in the certificate.',
    ],
    other_protocol: [
      'What answers at port {port} does not speak {protocol}.',
      'The operator of the broker checks host and port of the mail server in the configuration.',
    ],
    server_refuses: [
      'The server takes no connection from here.',
      "The reply says why. The administrator of the server must allow the broker's address.",
    ],
    sign_in_not_offered: [
      'The server offers no sign-in by access token (XOAUTH2), only: {offered}.',
      "The operator of the broker checks that host and port are the provider's. A server that knows only passwords cannot be used.",
    ],
    sign_in_not_understood: [
      'The server does not understand the sign-in by access token.',
      "The operator of the broker checks that host and port are the provider's.",
    ],
    sign_in_refused: [
      'The server refuses the access token for {account}.',
      'Check that {protocol} is allowed for this mailbox, and that the account that signed in may use it. Then sign the mailbox in again.',
    ],
    smtp_switched_off: [
      'Authenticated SMTP is switched off for this mailbox or its organization.',
      'Have an administrator switch it on. Microsoft 365 admin center: the user, Mail, Manage email apps, Authenticated SMTP; or Set-CASMailbox {account} -SmtpClientAuthenticationDisabled $false.',
    ],
    security_defaults: [
      'The security defaults of the organization block this sign-in.',
      'Have an administrator find it in the sign-in log of Microsoft Entra, and replace the security defaults by Conditional Access policies that allow this account.',
    ],
    policy_blocks: [
      'A policy of the organization blocks this sign-in.',
      'Have an administrator find it in the sign-in log of Microsoft Entra, and allow this account in the Conditional Access or authentication policy.',
    ],
    receiving_switched_off: [
      '{protocol} is switched off for this mailbox, or the token is for another account.',
      'Microsoft 365: the user, Mail, Manage email apps. Outlook.com and Gmail: the settings for POP and IMAP. Else sign the mailbox in again with its own account.',
    ],
    sender_refused: [
      'The account that signed in may not send as {sender}.',
      'Sign in with the account of this mailbox, or have an administrator give the account the permission Send As.',
    ],
    account_unavailable: [
      'The mailbox is full, or blocked as a bad sender.',
      'Make room in it, sent items among the rest; or have an administrator release it, as the reply says.',
    ],
    recipient_refused: ['The server refuses the recipient {recipient}.', 'Check the address, and test with another.'],
    limit_reached: [
      'The mailbox has used up its sending limit at the provider.',
      'Wait: the limit counts the last 24 hours.',
    ],
    too_large: [
      'The server says that the test message is too large, though it has a few lines only.',
      'The reply says more. The administrator of the server checks its limits.',
    ],
    message_refused: [
      'The server refuses the message.',
      'The reply says why; a mail flow rule or a filter of the organization may be the reason.',
    ],
    outcome_unknown: [
      'The server has the whole message and did not say whether it keeps it.',
      'Look whether it arrived at {recipient}.',
    ],
    mailbox_refused: [
      'The server accepts the access token, but does not open the mailbox.',
      'Check that the mailbox exists and has a licence, and that the account that signed in may open it.',
    ],
    later: ['The server asks to come back later.', 'Test again in a few minutes.'],
    dropped: [
      'The server broke off the connection.',
      'Test again. If it happens each time, look for a firewall or a proxy that ends it.',
    ],
    silent: [
      'The server does not answer.',
      'Test again in a few minutes. If it stays so, look for a firewall or a proxy that holds the answer back.',
    ],
    out_of_time: [
      'The test took too long and ended here.',
      'The steps before show what took so long. Test again in a few minutes.',
    ],
  },
  tokenUpdateFailed: ['Token update failed.', 'Delete the token and get it again: sign the mailbox out, then in.'],
  noRecipient: 'No message was sent, as no recipient was named.',
  tooSoon: ['The mailbox cannot be tested again just yet.', 'Test it again in {seconds} seconds.'],
  goesByApi: "Mail of this mailbox goes through the provider's API just now. This test is of SMTP.",
  message: {
    subject: 'Test message of the token broker',
    body: 'This message was sent to test the mailbox {account}. If you can read it, sending works. Nobody needs to answer it.',
  },
};
