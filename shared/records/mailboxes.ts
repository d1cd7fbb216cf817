import type { Mailbox } from '../domain/entities.ts';
import type { RouteChoice } from '../domain/outbox.ts';
import type { Table } from '../ports/table.ts';
import { attributes, entity, getAll, keys, queryAll } from './items.ts';

export const mailboxRecords = (table: Table) => ({
  async create(mailbox: Mailbox): Promise<void> {
    await table.writeAll([
      { put: { ...keys.mailbox(mailbox.id), ...attributes(mailbox) }, when: { absent: true } },
      { put: keys.mailboxOf(mailbox.organizationId, mailbox.id) },
    ]);
  },

  async get(id: string): Promise<Mailbox | undefined> {
    const item = await table.get(keys.mailbox(id));
    return item && entity<Mailbox>(item);
  },

  async list(organizationId: string): Promise<readonly Mailbox[]> {
    const { pk, sk } = keys.mailboxOf(organizationId, '');
    const links = await queryAll(table, pk, sk);
    const found = await getAll(
      table,
      links.map((link) => keys.mailbox(link.sk.slice(sk.length))),
    );
    return found.map((item) => entity<Mailbox>(item));
  },

  /** False when there is no such mailbox. */
  async setRoute(id: string, route: RouteChoice): Promise<boolean> {
    const update = { update: keys.mailbox(id), changes: { set: { route } }, when: { present: true } } as const;
    return (await table.write(update)) === 'written';
  },

  async boundDevices(id: string): Promise<readonly { clientId: string; slot: string }[]> {
    const { pk } = keys.mailbox(id);
    const links = await queryAll(table, pk, 'bound#');
    return links.map(({ sk }) => {
      const [, clientId = '', slot = ''] = sk.split('#');
      return { clientId, slot };
    });
  },

  /** The mailbox and everything that hangs on it in its partition; its refresh token is the vault's matter. */
  async remove(mailbox: Mailbox): Promise<void> {
    await table.write({ delete: keys.mailboxOf(mailbox.organizationId, mailbox.id) });
    for (const item of await queryAll(table, keys.mailbox(mailbox.id).pk)) await table.write({ delete: item });
  },
});

export type MailboxRecords = ReturnType<typeof mailboxRecords>;
