import {
  isPending,
  type NoticeEvent,
  type NoticeName,
  type NoticeScope,
  type OpenNotice,
  scopeOf,
} from '../domain/notice.ts';
import { NO_POST, type NoticePost } from '../domain/notice-post.ts';
import { EVENT_KEPT_SECONDS } from '../domain/notice-timing.ts';
import { dueShardOf } from '../domain/timing.ts';
import type { Item, Key, Table, Write } from '../ports/table.ts';
import { attributes, entity, getAll, keys, queryAll, whenRevision } from './items.ts';

/** `revision` makes writes conditional: of two writers of one revision, one wins. */
export interface OpenNoticeRecord {
  readonly open: OpenNotice;
  readonly revision: number;
  /** When it is to be looked at again. */
  readonly lookAt: number;
}

export interface NoticeEventRecord {
  readonly event: NoticeEvent;
  readonly revision: number;
}

export interface NoticePostRecord {
  readonly post: NoticePost;
  readonly revision: number;
}

/** What the due index names of notices. */
export type DueNotice =
  | { readonly what: 'open'; readonly name: NoticeName }
  | { readonly what: 'event' | 'mail'; readonly scope: NoticeScope; readonly id: string }
  | { readonly what: 'post'; readonly scope: NoticeScope };

const OPEN = 'open#';
const EVENT = 'event#';
const MAIL = 'mail#';
const BROKER = 'broker';

const scopeIn = (pk: string): NoticeScope => {
  const scope = pk.slice('notices#'.length);
  return scope === BROKER ? undefined : scope;
};

/** Undefined: it is none of this version's. */
export const dueNoticeOf = ({ pk, sk }: Key): DueNotice | undefined => {
  const scope = scopeIn(pk);
  if (sk === 'post') return { what: 'post', scope };
  if (sk.startsWith(EVENT)) return { what: 'event', scope, id: sk.slice(EVENT.length) };
  if (sk.startsWith(MAIL)) return { what: 'mail', scope, id: sk.slice(MAIL.length) };
  if (!sk.startsWith(OPEN)) return undefined;
  const [kind = '', ...subject] = sk.slice(OPEN.length).split('#');
  return {
    what: 'open',
    name: { kind: kind as NoticeName['kind'], organizationId: scope, subject: subject.join('#') },
  };
};

const due = (id: string, dueAt: number | undefined) =>
  dueAt === undefined ? {} : { dueShard: dueShardOf('notice', id), dueAt };

const openKey = ({ organizationId, kind, subject }: NoticeName): Key => keys.openNotice(organizationId, kind, subject);

const openItem = (open: OpenNotice, revision: number, lookAt: number): Item => ({
  ...openKey(open.notice),
  ...attributes(open),
  revision,
  ...due(open.id, lookAt),
});

const openFromItem = (item: Item): OpenNoticeRecord => {
  const { revision, ...open } = entity<OpenNotice & { revision: number }>(item);
  return { open, revision, lookAt: Number(item.dueAt ?? 0) };
};

const eventItem = (scope: NoticeScope, event: NoticeEvent, revision: number): Item => ({
  ...keys.noticeEvent(scope, event.id),
  ...attributes(event),
  revision,
  expiresAt: event.at + EVENT_KEPT_SECONDS,
  ...due(event.id, isPending(event.webhook) ? event.webhook.at : undefined),
});

const eventFromItem = (item: Item): NoticeEventRecord => {
  const { revision, expiresAt: _kept, ...event } = entity<NoticeEvent & { revision: number; expiresAt: number }>(item);
  return { event, revision };
};

/** A new telling: due for the webhook by itself, and for the mail by a mark that is taken away when it is in one. */
const creationOf = (scope: NoticeScope, event: NoticeEvent): readonly Write[] => [
  { put: eventItem(scope, event, 1), when: { absent: true } },
  ...(isPending(event.mail)
    ? [{ put: { ...keys.unmailedNotice(scope, event.id), ...due(event.id, event.mail.at) } } as const]
    : []),
];

/** What a telling had still to bring, another says. */
const supersession = (scope: NoticeScope, { event, revision }: NoticeEventRecord): readonly Write[] => {
  const { webhook, mail } = event;
  if (!isPending(webhook) && !isPending(mail)) return [];
  const over = { state: 'not_wanted' } as const;
  const next = { ...event, webhook: isPending(webhook) ? over : webhook, mail: isPending(mail) ? over : mail };
  return [
    { put: eventItem(scope, next, revision + 1), when: { equals: { revision } } },
    { delete: keys.unmailedNotice(scope, event.id) },
  ];
};

/** What is told of an organization, or of the broker, and what has become of it. */
export const noticeRecords = (table: Table) => {
  const writeAll = async (writes: readonly Write[]): Promise<boolean> => (await table.writeAll(writes)) === 'written';

  return {
    async open(name: NoticeName): Promise<OpenNoticeRecord | undefined> {
      const item = await table.get(openKey(name));
      return item && openFromItem(item);
    },

    async event(scope: NoticeScope, id: string): Promise<NoticeEventRecord | undefined> {
      const item = await table.get(keys.noticeEvent(scope, id));
      return item && eventFromItem(item);
    },

    /** Those that are there, in any order. */
    async events(scope: NoticeScope, ids: readonly string[]): Promise<readonly NoticeEventRecord[]> {
      const items = await getAll(
        table,
        ids.map((id) => keys.noticeEvent(scope, id)),
      );
      return items.map(eventFromItem);
    },

    /** `lookAt`: when it is to be looked at again. False: one is open already. */
    begin: (open: OpenNotice, event: NoticeEvent, lookAt: number): Promise<boolean> =>
      writeAll([
        { put: openItem(open, 1, lookAt), when: { absent: true } },
        ...creationOf(scopeOf(open.notice), event),
      ]),

    /** Told anew, in the place of `former`. False: somebody was faster. */
    tellAgain: (
      { revision }: OpenNoticeRecord,
      open: OpenNotice,
      event: NoticeEvent,
      former: NoticeEventRecord | undefined,
      lookAt: number,
    ): Promise<boolean> => {
      const scope = scopeOf(open.notice);
      return writeAll([
        { put: openItem(open, revision + 1, lookAt), when: { equals: { revision } } },
        ...creationOf(scope, event),
        ...(former ? supersession(scope, former) : []),
      ]);
    },

    async postpone({ open, revision }: OpenNoticeRecord, lookAt: number): Promise<void> {
      const changes = { set: due(open.id, lookAt) };
      await table.write({ update: openKey(open.notice), changes, when: { equals: { revision } } });
    },

    /** It is over; `resolved` says so, where somebody has heard of it. False: somebody was faster. */
    close: (
      { open, revision }: OpenNoticeRecord,
      former: NoticeEventRecord | undefined,
      resolved: NoticeEvent | undefined,
    ): Promise<boolean> => {
      const scope = scopeOf(open.notice);
      return writeAll([
        { delete: openKey(open.notice), when: { equals: { revision } } },
        ...(former ? supersession(scope, former) : []),
        ...(resolved ? creationOf(scope, resolved) : []),
      ]);
    },

    /** For a test, which is about nothing. */
    createEvent: (scope: NoticeScope, event: NoticeEvent): Promise<boolean> => writeAll(creationOf(scope, event)),

    /** False: it has changed meanwhile. */
    async replaceEvent(scope: NoticeScope, { revision }: NoticeEventRecord, event: NoticeEvent): Promise<boolean> {
      const put = eventItem(scope, event, revision + 1);
      return (await table.write({ put, when: { equals: { revision } } })) === 'written';
    },

    /** Ids of what no mail has told yet, the oldest first. */
    async unmailed(scope: NoticeScope, limit: number): Promise<readonly string[]> {
      const { items } = await table.query(keys.unmailedNotice(scope, '').pk, { prefix: MAIL, limit });
      return items.map(({ sk }) => sk.slice(MAIL.length));
    },

    async forgetUnmailed(scope: NoticeScope, id: string): Promise<void> {
      await table.write({ delete: keys.unmailedNotice(scope, id) });
    },

    async postponeUnmailed(scope: NoticeScope, id: string, dueAt: number): Promise<void> {
      const changes = { set: due(id, dueAt) };
      await table.write({ update: keys.unmailedNotice(scope, id), changes, when: { present: true } });
    },

    async post(scope: NoticeScope): Promise<NoticePostRecord> {
      const item = await table.get(keys.noticePost(scope));
      if (item === undefined) return { post: NO_POST, revision: 0 };
      const { revision, ...post } = entity<NoticePost & { revision: number }>(item);
      return { post, revision };
    },

    /** Undefined: somebody was faster. */
    async replacePost(
      scope: NoticeScope,
      { revision }: NoticePostRecord,
      post: NoticePost,
      dueAt: number | undefined,
    ): Promise<NoticePostRecord | undefined> {
      const id = scope ?? BROKER;
      const put = { ...keys.noticePost(scope), ...attributes(post), revision: revision + 1, ...due(id, dueAt) };
      const written = (await table.write({ put, when: whenRevision(revision) })) === 'written';
      return written ? { post, revision: revision + 1 } : undefined;
    },

    /** By kind, and of each in the order of their subjects; `after` is the cursor of the page before. */
    async list(scope: NoticeScope, limit: number, after?: string): Promise<{ open: OpenNotice[]; next?: string }> {
      const { pk } = keys.openNotice(scope, '', '');
      const from = after === undefined ? {} : { after: `${OPEN}${after}` };
      const { items, next } = await table.query(pk, { prefix: OPEN, limit, ...from });
      const open = items.map((item) => openFromItem(item).open);
      return next === undefined ? { open } : { open, next: next.slice(OPEN.length) };
    },

    /** With the organization itself. */
    async removeAll(scope: NoticeScope): Promise<void> {
      for (const item of await queryAll(table, keys.noticePost(scope).pk)) await table.write({ delete: item });
    },
  };
};
