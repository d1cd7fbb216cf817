import assert from 'node:assert/strict';
import { startPop3Listener } from '../../../gateway/pop3/listener.ts';
import type { ProxyDeps, ProxyOptions } from '../../../gateway/proxy/options.ts';
import type { MailServer } from '../../../shared/domain/provider.ts';
import { testCertificate } from '../../fakes/certificate.ts';
import {
  countingMetrics,
  DEVICE,
  dial,
  fakeDevices,
  fakeTokens,
  type LineDevice,
  proxyOptions,
} from '../../fakes/gateway-proxy.ts';
import { type Pop3Model, startPop3Model } from '../../fakes/pop3-model.ts';

export const TOKEN = 'made-up-access-token-of-a-provider';
export const { user: USER, password: PASSWORD } = DEVICE;

export const base64 = (text: string): string => Buffer.from(text).toString('base64');
/** SASL PLAIN (RFC 4616). */
export const plain = (user: string, password: string, authzid = ''): string =>
  base64(`${authzid}\0${user}\0${password}`);

export interface GatewayWish {
  readonly options?: Partial<Omit<ProxyOptions, 'deps'>>;
  readonly deps?: Partial<ProxyDeps>;
  /** The provider's; undefined: none is known. Missing: the model. */
  readonly server?: MailServer | undefined;
  readonly tokens?: Parameters<typeof fakeTokens>[1];
}

export type Pop3Office = Awaited<ReturnType<typeof pop3Office>>;

/** A gateway with POP3, before a provider with three messages. */
export const pop3Office = async () => {
  const certificate = await testCertificate();
  const open: { close(): Promise<void> }[] = [];
  const good = new Set<string>();

  const startModel = async (): Promise<Pop3Model> => {
    good.clear();
    good.add(TOKEN);
    const model = await startPop3Model({ certificate, asksToken: true, accepts: (token) => good.has(token) });
    model.mailbox = ['a', 'b', 'c'].map((uid) => ({ uid, text: `Subject: ${uid}\r\n\r\n.This is ${uid}.\r\n` }));
    open.push(model);
    return model;
  };

  const greeted = async (port: number, tls?: Parameters<typeof dial>[1]): Promise<LineDevice> => {
    const device = await dial(port, tls);
    assert.match((await device.line()) ?? '', /^\+OK /);
    return device;
  };

  return {
    certificate,
    /** Access tokens that the provider takes. */
    good,
    greeted,
    /** To be closed after the test. */
    keep: (one: { close(): Promise<void> }) => void open.push(one),
    async start({ options, deps, tokens = [TOKEN], ...wish }: GatewayWish = {}) {
      const model = await startModel();
      const modelServer: MailServer = { host: 'localhost', port: model.port, security: 'tls' };
      const { token, wishes } = fakeTokens('server' in wish ? wish.server : modelServer, tokens);
      const { devices, attempts } = fakeDevices();
      const { metrics, counts } = countingMetrics();
      const whole = proxyOptions({ devices, token, metrics, ca: () => certificate.cert, ...deps }, options);
      const listener = await startPop3Listener(whole);
      open.unshift({ close: () => listener.close(0) });
      return { ...listener, model, log: whole.log, wishes, attempts, counts };
    },
    async signedIn(port: number): Promise<LineDevice> {
      const device = await greeted(port);
      await device.say(`USER ${USER}`);
      assert.match((await device.say(`PASS ${PASSWORD}`)) ?? '', /^\+OK/);
      return device;
    },
    async clear(): Promise<void> {
      for (const one of open.splice(0)) await one.close();
    },
  };
};
