import type { ErrorTexts } from './index.ts';

/** What happened, then what to do. */
export const en: ErrorTexts = {
  invalid_request: ['The request is malformed.', 'Correct it as the detail says and send it again.'],
  unsupported_grant_type: [
    'This kind of token request is not offered.',
    'Use client_credentials, the device code grant or refresh_token.',
  ],
  unsupported_media_type: [
    'This address does not accept that content type.',
    'Send the content type that the detail names.',
  ],
  payload_too_large: ['The request is too large.', 'Send less than the limit that the detail names.'],
  headers_too_large: ['The request headers are too large.', 'Send less than 16 KB of headers.'],
  not_found: ['Nothing was found at this address.', 'Check the address and the id in it.'],
  method_not_allowed: ['This address does not accept that method.', 'Use a method named in the Allow header.'],
  conflict: ['The request conflicts with what is already stored.', 'Read the current state, then try again.'],

  invalid_client: [
    'The device is unknown or disabled, or its password is wrong.',
    'Check client id and client secret on the device. An administrator can make a new secret in the console.',
  ],
  invalid_enrolment_token: [
    'The enrolment token is wrong, used up or expired.',
    'Ask an administrator for a new enrolment token.',
  ],
  invalid_registration_token: [
    'The registration_access_token is wrong.',
    'Use the one this device got when it registered, or register the device again.',
  ],
  invalid_client_metadata: ['The description of the device is not valid.', 'Correct the field that the detail names.'],
  invalid_admin_key: ['The admin key is missing or wrong.', 'Send the admin key in the header Authorization: Bearer.'],
  too_many_attempts: ['There were too many wrong attempts.', 'Wait a few minutes, check the password, then try again.'],

  pairing_pending: [
    'Nobody has signed in with the code yet.',
    'Open the address shown at the device, type the code, and sign in.',
  ],
  pairing_polled_too_fast: ['The device asks too often.', 'It must wait five seconds longer between its questions.'],
  pairing_denied: [
    'The sign-in at the device was cancelled.',
    'Start it again at the device, if that was not intended.',
  ],
  pairing_expired: [
    'The code has expired.',
    'Start the sign-in again at the device, and use the new code within a quarter of an hour.',
  ],
  pairing_unknown: [
    'This device code does not exist, or has been used already.',
    'Start the sign-in again at the device.',
  ],
  user_code_unknown: [
    'There is no such code, or it has expired.',
    'Compare it with the one that the device shows, and type it again; or start again at the device.',
  ],
  refresh_token_unknown: [
    'This refresh token is not valid: it has expired, was revoked, or was used by two.',
    'Sign in again at the device.',
  ],
  unsupported_token_type: [
    'The broker cannot revoke an access token: the provider issued it, and it ends by itself.',
    'Revoke the refresh token, or name the slot to be given up.',
  ],

  slot_not_bound: [
    'No mailbox is assigned to this function of the device.',
    'Assign a mailbox to the device in the console.',
  ],
  not_signed_in: ['Nobody has signed this mailbox in yet.', 'Sign the mailbox in from the console.'],
  waiting_for_sign_in: ['The sign-in of this mailbox is not finished yet.', 'Finish the sign-in in the browser.'],
  signed_out: ['This mailbox was signed out.', 'Sign the mailbox in again.'],
  sign_in_lapsed: ['The sign-in of this mailbox has expired.', 'Sign the mailbox in again.'],
  consent_withdrawn: [
    'The permission to use this mailbox was withdrawn.',
    'Sign the mailbox in again and accept the permissions asked for.',
  ],
  consent_needed: [
    'The organization has not approved this application.',
    'Have an administrator of the organization give consent, then sign the mailbox in again.',
  ],
  more_proof_needed: [
    'The mail provider wants a further proof of identity for this mailbox.',
    'Sign the mailbox in again and complete the additional verification.',
  ],
  conditional_access: [
    'A Conditional Access policy of the organization blocks this sign-in.',
    'Have the administrator find the correlation id in the sign-in log and allow this account, then sign in again.',
  ],
  account_unavailable: [
    'The account is locked or disabled, or its password has expired.',
    'Have the account restored at the mail provider, then sign the mailbox in again.',
  ],
  scope_not_offered: [
    'This kind of token is not offered for this mailbox.',
    'Ask for one of the scopes smtp, imap, pop and api.',
  ],
  scope_not_granted: [
    'The sign-in of this mailbox did not grant this kind of access.',
    'Sign the mailbox in again and allow everything that is asked for.',
  ],

  provider_unavailable: [
    'The mail provider does not answer at present.',
    'There is nothing to repair. Try again in a few minutes.',
  ],
  app_registration_refused: [
    'The mail provider refuses the broker itself.',
    'The operator of the broker must check its app registration: client id, client secret and expiry date.',
  ],
  stored_sign_in_missing: [
    'The stored sign-in of this mailbox cannot be found.',
    'The operator of the broker restores the vault from its backup; or sign the mailbox in again.',
  ],
  stored_sign_in_unreadable: [
    'The stored sign-in of this mailbox cannot be read: its key is gone or it was altered.',
    'The operator of the broker restores the key ring from its backup; or sign the mailbox in again.',
  ],
  vault_unavailable: [
    "The broker's vault for sign-ins is not available just now.",
    'Wait: the broker tries again by itself.',
  ],

  sign_in_not_found: ['This sign-in link is not known.', 'Ask for a new link.'],
  sign_in_expired: ['The sign-in took too long and has expired.', 'Start the sign-in again.'],
  sign_in_already_used: [
    'This sign-in has already been used.',
    'If the mailbox is still not signed in, start the sign-in again.',
  ],
  sign_in_other_browser: [
    'This sign-in was opened again in another browser or window.',
    'Open the sign-in link again and finish in the same browser. Cookies must be allowed.',
  ],
  sign_in_cancelled: ['The sign-in was cancelled. Nothing was changed.', 'Start the sign-in again when you are ready.'],
  sign_in_refused: ['The mail provider refused the sign-in.', 'Read the detail, then start the sign-in again.'],
  sign_in_wrong_account: [
    'The account that signed in is not the account of this mailbox.',
    "Start again and sign in with the mailbox's own account.",
  ],
  sign_in_scope_missing: [
    'The permission to use the mail was not given.',
    'Start again and leave every box on the consent page ticked.',
  ],
  sign_in_no_refresh_token: [
    'The mail provider gave no lasting permission.',
    'The operator of the broker must allow offline_access in its app registration. Then start again.',
  ],

  not_a_message: ['What was sent is not an e-mail message.', 'Send a message as RFC 5322 describes it.'],
  invalid_recipient: ['The address of a recipient is not valid.', 'Correct the address that the detail names.'],
  sender_not_allowed: [
    'This device may not send as the sender in the message.',
    "Set the sender address on the device to the mailbox's own address, or have an administrator change the device's sender address setting.",
  ],
  message_too_large: ['The message is too large.', 'Scan at a lower resolution or in several parts.'],
  upload_unknown: ['There is no such upload, or it has expired.', 'Ask for a new upload and send the message again.'],
  upload_incomplete: [
    'What was uploaded is not what was announced.',
    'Upload the whole message again; size and checksum must be those announced.',
  ],
  mail_server_unavailable: [
    'The mail server does not answer at present.',
    'There is nothing to repair. The broker will try to send the message again.',
  ],
  mail_server_misconfigured: [
    'The mail server cannot be used as it is set up in the broker.',
    'The operator of the broker checks host, port, security and ca_file of the mail server. The broker goes on trying.',
  ],
  mail_server_refused_sign_in: [
    'The mail server refused the sign-in. SMTP may be switched off for this mailbox.',
    "Have the administrator allow SMTP for it (Microsoft 365: Authenticated SMTP in the user's mail apps), then sign in again.",
  ],
  smtp_switched_off: [
    'Sending by SMTP is switched off for this mailbox or organization.',
    "Have the administrator switch on Authenticated SMTP for the mailbox (Microsoft 365 admin center: user, Mail, Manage email apps), or sign the mailbox in again so that mail can go through the provider's API.",
  ],
  sending_limit_reached: [
    'The mailbox has used up its sending limit at the mail provider.',
    'There is nothing to repair. The broker sends on when the limit allows it.',
  ],
  mail_server_refused_message: [
    'The mail server refused the message.',
    'Read the reply of the server and correct the message.',
  ],
  outcome_unknown: [
    'The mail server took the whole message twice and did not say whether it keeps it.',
    'Ask a recipient whether it arrived; if not, send it again from the console.',
  ],
  held_too_long: [
    'The message waited for its mailbox for too long and was given up.',
    'Sign the mailbox in again, then send the message again.',
  ],

  broker_unreachable: [
    'The gateway cannot reach the broker.',
    'Check the network; mail that was accepted goes out by itself.',
  ],
  gateway_full: [
    'The gateway has no room for more mail.',
    'The operator of the gateway makes room on its disk, or raises its limit.',
  ],
  too_much_mail: ['The device sends too much at once.', 'Wait a minute, then send again.'],

  store_unavailable: [
    'The broker cannot reach its own data at present.',
    'There is nothing to repair. Try again in a minute.',
  ],
  internal: [
    'An error occurred in the broker.',
    'Try again. If it happens again, give the operator of the broker the request id.',
  ],
};
