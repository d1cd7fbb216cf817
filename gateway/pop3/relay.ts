import type { ByteReader } from '../proxy/byte-reader.ts';
import type { SessionEnd } from '../proxy/listener.ts';
import type { ProxyLimits } from '../proxy/options.ts';
import { pumpBoth } from '../proxy/pump.ts';
import { belongsEarlier, isRepeatable, type Pop3Command, readCommand, shapeOf } from './commands.ts';
import { SAID } from './replies.ts';
import { type Passage, passReply } from './reply.ts';
import { type SteadyOptions, steadySession } from './steady-session.ts';

/** RFC 2449 section 4 allows 255 octets. */
const COMMAND_LIMIT = 4096;

export interface Pop3Relay extends SteadyOptions {
  readonly device: ByteReader;
  readonly limits: Pick<ProxyLimits, 'silenceMs' | 'hangUpMs' | 'idleMs' | 'reconnects'>;
}

type Step = { readonly next: 'command' } | { readonly next: 'over'; readonly how: string };

const COMMAND: Step = { next: 'command' };
const over = (how: string): Step => ({ next: 'over', how });

/**
 * The TRANSACTION state (RFC 1939 section 5): what the device says goes to the provider, and its answers come back unchanged. One
 * command after the other, so that it is known what an answer is to. When the provider ends its session, as it does when a token
 * dies, the next command finds a new one in its place, in which the same messages are deleted as in the one before; or, where the
 * mailbox is not what it was, an error, and nothing is deleted. No session is ever ended with QUIT but by the device.
 */
export const relayPop3 = async (relay: Pop3Relay): Promise<SessionEnd> => {
  const { device, limits } = relay;
  const { idleMs } = limits;
  // A device that stops reading in the middle of a message.
  device.socket.setTimeout(idleMs, () => device.socket.destroy());
  const session = await steadySession(relay);
  let bytes = 0;

  const say = (line: string): Promise<boolean> => device.write(`${line}\r\n`);

  const pass = async (command: Pop3Command, isRepeated: boolean): Promise<Passage> => {
    const { provider } = session;
    await provider.write(command.line);
    const hangUp = isRepeatable(command) ? 'is_no_answer' : 'is_expected';
    const passage = await passReply({ device, provider, limits }, shapeOf(command), hangUp);
    if (passage.kind !== 'nothing') return passage;
    if (!isRepeatable(command) || isRepeated) return passage;
    const resumed = await session.goOn();
    return resumed.ok ? pass(command, true) : { kind: 'nothing', refusal: Buffer.from(`${resumed.error}\r\n`) };
  };

  const after = async (command: Pop3Command, passage: Passage): Promise<Step> => {
    if ('bytes' in passage) bytes += passage.bytes;
    switch (passage.kind) {
      case 'positive':
        session.note(command);
        return command.verb === 'QUIT' ? over('quit') : COMMAND;
      case 'negative':
        return command.verb === 'QUIT' ? over('quit') : COMMAND;
      case 'unclear':
        bytes += await pumpBoth(device, session.provider, idleMs);
        return over('unwatched');
      case 'nothing':
        await device.write(passage.refusal ?? `${command.verb === 'QUIT' ? SAID.notUpdated : SAID.cutOff}\r\n`);
        return over('provider_ended');
      case 'broken':
        device.socket.destroy();
        return over('provider_ended');
      case 'device_gone':
        return over('device_ended');
    }
  };

  const perform = async (command: Pop3Command): Promise<Step> => {
    if (!session.provider.hasNews()) return after(command, await pass(command, false));
    // There is nothing to be done at the provider's.
    if (command.verb === 'QUIT' && !session.hasDeletions()) {
      await say(SAID.goodbye);
      return over('quit');
    }
    const resumed = await session.goOn();
    if (resumed.ok) return after(command, await pass(command, false));
    await say(resumed.error);
    return over('not_resumed');
  };

  const next = async (): Promise<Step> => {
    const read = await device.line(COMMAND_LIMIT, idleMs);
    if (read.kind === 'too_long') await say(SAID.tooLong);
    if (read.kind !== 'line') return over(read.kind === 'late' ? 'idle' : 'device_ended');
    const command = readCommand(read.bytes);
    if (command !== undefined && !belongsEarlier(command)) return perform(command);
    await say(command === undefined ? SAID.notHere : SAID.earlier);
    return COMMAND;
  };

  let step: Step = COMMAND;
  while (step.next === 'command') step = await next();
  session.end();
  return { how: step.how, bytes, reconnects: session.reconnects };
};
