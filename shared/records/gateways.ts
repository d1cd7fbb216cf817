import { type GatewayIdentity, type GatewayState, SERVED_SECONDS } from '../domain/gateway.ts';
import type { Outbox } from '../domain/outbox.ts';
import type { Item, Table } from '../ports/table.ts';
import { attributes, entity, keys, queryAll } from './items.ts';

/** A gateway that has not been heard of for so long is shown no more. */
const SHOWN_SECONDS = 90 * 86_400;

/** That a device has proven itself at a gateway, which may use its mailbox since. Times are epoch seconds. */
export interface Serving {
  readonly organizationId: string;
  /** The device that did so last, and its slot. */
  readonly clientId: string;
  readonly slot: string;
  readonly provenAt: number;
  readonly expiresAt: number;
}

/** What a gateway last told of itself, and when. */
export interface GatewayRecord extends GatewayState {
  readonly gatewayId: string;
  readonly lastSeenAt: number;
}

interface Expiring {
  readonly expiresAt: number;
}

/** The table drops what has expired when it likes, so who reads compares. */
const living = <Entity extends Expiring>(item: Item | undefined, now: number): Entity | undefined => {
  const found = item && entity<Entity>(item);
  return found && found.expiresAt > now ? found : undefined;
};

/** A gateway is a device; this is what makes it one. */
export const gatewayRecords = (table: Table) => ({
  async serving(gatewayId: string, mailboxId: string, now: number): Promise<Serving | undefined> {
    return living(await table.get(keys.served(gatewayId, mailboxId)), now);
  },

  async serve(gatewayId: string, mailboxId: string, serving: Serving): Promise<void> {
    await table.write({ put: { ...keys.served(gatewayId, mailboxId), ...attributes(serving) } });
  },

  /** What keeps the mailbox's mail at this gateway, as it last told. */
  async outbox(gatewayId: string, mailboxId: string, now: number): Promise<Outbox> {
    const found = living<{ outbox: Outbox } & Expiring>(await table.get(keys.gatewayOutbox(mailboxId, gatewayId)), now);
    return found?.outbox ?? {};
  },

  async setOutbox(gatewayId: string, mailboxId: string, outbox: Outbox, now: number): Promise<void> {
    const key = keys.gatewayOutbox(mailboxId, gatewayId);
    const isEmpty = Object.keys(outbox).length === 0;
    const put = { ...key, ...attributes({ outbox }), expiresAt: now + SERVED_SECONDS };
    await table.write(isEmpty ? { delete: key } : { put });
  },

  /** By gateway, what keeps the mailbox's mail there. */
  async outboxesOf(mailboxId: string, now: number): Promise<ReadonlyMap<string, Outbox>> {
    const { pk, sk: prefix } = keys.gatewayOutbox(mailboxId, '');
    const found = (await queryAll(table, pk, prefix)).flatMap((item): [string, Outbox][] => {
      const kept = living<{ outbox: Outbox } & Expiring>(item, now);
      return kept ? [[item.sk.slice(prefix.length), kept.outbox]] : [];
    });
    return new Map(found);
  },

  async noteState({ gatewayId, organizationId }: GatewayIdentity, state: GatewayState, now: number): Promise<void> {
    const key = keys.gatewayOf(organizationId, gatewayId);
    await table.write({ put: { ...key, ...attributes(state), lastSeenAt: now, expiresAt: now + SHOWN_SECONDS } });
  },

  /** Of an organization; without one, of all together. */
  async list(organizationId: string | undefined, now: number): Promise<readonly GatewayRecord[]> {
    const items = await queryAll(table, keys.gatewayOf(organizationId, '').pk);
    return items.flatMap((item) => {
      const found = living<Omit<GatewayRecord, 'gatewayId'> & Expiring>(item, now);
      if (found === undefined) return [];
      const { expiresAt: _expiresAt, ...state } = found;
      return [{ ...state, gatewayId: item.sk }];
    });
  },
});

export type GatewayRecords = ReturnType<typeof gatewayRecords>;
