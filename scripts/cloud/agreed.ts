import { createInterface } from 'node:readline/promises';

/** Whether somebody at a terminal says yes; where nobody can, no. */
export const agreed = async (question: string): Promise<boolean> => {
  if (!process.stdin.isTTY) return false;
  const asked = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await asked.question(`${question} [y/N] `);
  asked.close();
  return /^y(es)?$/i.test(answer.trim());
};
