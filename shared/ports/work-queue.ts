export interface Message {
  readonly body: string;
  /** FIFO queues: messages of a group are delivered one at a time, in order. Required there. */
  readonly group?: string;
  /** FIFO queues: a second message with the same id within five minutes is dropped. */
  readonly deduplicationId?: string;
  /** Standard queues only: 0 to 900. */
  readonly delaySeconds?: number;
}

export interface ReceivedMessage {
  readonly id: string;
  readonly body: string;
  readonly group?: string;
  /** 1 at the first delivery. */
  readonly receiveCount: number;
  /** Names this delivery, for `done` and `retryLater`. */
  readonly receipt: string;
  /** What the sender was about, for the log: the queue carries it along by itself. An earlier version did not. */
  readonly correlationId?: string;
}

/** At-least-once delivery. What is received too often without `done` goes to the queue's dead letters. */
export interface WorkQueue {
  /** Durable when it resolves. */
  send(message: Message): Promise<void>;
  /** Many at once, in any order; every one durable when it resolves. Throws when some are not; which, is not told. */
  sendAll(messages: readonly Message[]): Promise<void>;
  /** About how many there are: to be worked on (hidden and delayed ones too), and set aside as dead letters. */
  depth(): Promise<{ readonly waiting: number; readonly dead: number }>;
  /** At most `limit` (1 to 10); waits up to `waitSeconds` for the first. Received messages are hidden for a while. */
  receive(options: { readonly limit: number; readonly waitSeconds: number }): Promise<readonly ReceivedMessage[]>;
  /** Removes it for good. A receipt that has run out is ignored. */
  done(message: ReceivedMessage): Promise<void>;
  /** Shows it again after the delay (1 to 43,200 s); until then its group waits. */
  retryLater(message: ReceivedMessage, delaySeconds: number): Promise<void>;
}
