import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A program in a process of its own that gives an answer to each order, one after the other. */
export interface Child<Order> {
  readonly pid: number;
  ask<Answer>(order: Order): Promise<Answer>;
  close(): void;
}

/** `file`: beside this one. */
export const startChild = <Order extends object>(file: string): Child<Order> => {
  const program = fork(fileURLToPath(new URL(file, import.meta.url)));
  let closed = false;
  const ended = once(program, 'exit').then(([code]) => {
    throw new Error(`${file} ended with ${code}`);
  });
  ended.catch((error: unknown) => {
    if (!closed) throw error;
  });
  return {
    pid: program.pid ?? 0,
    async ask<Answer>(order: Order) {
      const answered = once(program, 'message');
      program.send(order);
      const [answer] = await Promise.race([answered, ended]);
      return answer as Answer;
    },
    close() {
      closed = true;
      program.disconnect();
    },
  };
};
