export interface Gate {
  /** Comes back at once while the gate is open, else when it is opened. */
  pass(): Promise<void>;
  close(): void;
  open(): void;
  /** Lets the one through who has waited longest. */
  letOneThrough(): void;
  /** How many stand before it. */
  readonly waiting: number;
}

export const makeGate = (): Gate => {
  let closed = false;
  let waiting: (() => void)[] = [];
  return {
    pass: () => (closed ? new Promise((go) => waiting.push(go)) : Promise.resolve()),
    close: () => {
      closed = true;
    },
    open: () => {
      closed = false;
      for (const go of waiting) go();
      waiting = [];
    },
    letOneThrough: () => waiting.shift()?.(),
    get waiting() {
      return waiting.length;
    },
  };
};
