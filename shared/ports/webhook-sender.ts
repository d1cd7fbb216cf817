export interface WebhookPost {
  readonly url: string;
  /** The same for every try of the same telling: by it a receiver knows a repetition. */
  readonly id: string;
  /** Of this try, epoch seconds. */
  readonly timestamp: number;
  readonly body: string;
  /** `whsec_…`; each signs. */
  readonly secrets: readonly string[];
}

export type WebhookOutcome =
  | { readonly outcome: 'delivered' }
  /** HTTP 410: the receiver wants no more, ever. */
  | { readonly outcome: 'gone' }
  /** `problem` says why, in English, and holds nothing that the receiver said. */
  | { readonly outcome: 'failed'; readonly problem: string };

/** Posts to an address that a customer has chosen, so trusts neither it nor its answer. */
export interface WebhookSender {
  /** One signed try. Always comes back, within `WEBHOOK_TIMEOUT_SECONDS`; follows no redirect. */
  post(request: WebhookPost): Promise<WebhookOutcome>;
}
