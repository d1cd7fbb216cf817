/**
 * The SASL XOAUTH2 initial client response, ready to be sent as it is: base64 of
 * `user=` address ^A `auth=Bearer ` token ^A ^A (Google "OAuth 2.0 Mechanism", Microsoft "Authenticate … using OAuth").
 */
export const xoauth2InitialResponse = (user: string, accessToken: string): string =>
  Buffer.from(`user=${user}\x01auth=Bearer ${accessToken}\x01\x01`).toString('base64');
