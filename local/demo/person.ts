/**
 * A person with a browser: a cookie jar, redirects, and forms filled in without JavaScript. Knows the pages of the
 * stand-ins (field names: local/stand-ins/identity/pages.ts) and any plain form beside them.
 */
export interface Page {
  readonly url: string;
  /** Undefined where the person stopped before opening `url`. */
  readonly response: Response | undefined;
  readonly body: string;
}

export interface SignInWish {
  readonly username: string;
  /** The stand-ins' well-known one when absent. */
  readonly password?: string;
  /** `cancel`: at the sign-in page. `refuse`: at the consent page. Default `accept`. */
  readonly decision?: 'accept' | 'cancel' | 'refuse';
  /** Scopes to untick at the consent page. */
  readonly untick?: readonly string[];
  /** A URL that begins so is not opened. Default: the `redirect_uri` of the URL to start at. `none`: open everything. */
  readonly stopAt?: string | 'none';
}

export interface Form {
  readonly action: string;
  /** In page order; unticked boxes are left out, buttons too. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly buttons: readonly (readonly [name: string, value: string])[];
}

/** More than any real sign-in takes; ends loops. */
const MAX_STEPS = 30;

export const makePerson = () => {
  const jar = cookieJar();

  const request = async (url: string, init: RequestInit, stopAt: string | undefined): Promise<Page> => {
    let [target, options] = [url, init];
    for (let step = 0; step < MAX_STEPS; step++) {
      if (stopAt !== undefined && target.startsWith(stopAt)) return { url: target, response: undefined, body: '' };
      const headers = { accept: 'text/html', ...options.headers, cookie: jar.header(target) };
      const response = await fetch(target, { ...options, headers, redirect: 'manual' });
      jar.store(target, response.headers.getSetCookie());
      const location = response.headers.get('location');
      if (location === null) return { url: target, response, body: await response.text() };
      await response.body?.cancel();
      target = new URL(location, target).href;
      options = {};
    }
    throw new Error(`more than ${MAX_STEPS} redirects from ${new URL(url).origin}`);
  };

  const open = (url: string, stopAt?: string): Promise<Page> => request(url, {}, stopAt);

  /** Sends the page's form with `press` as the button, and with fields replaced by `values`. */
  const submit = (
    page: Page,
    press: readonly [name: string, value: string] | undefined,
    values: { readonly [name: string]: string | readonly string[] } = {},
    stopAt?: string,
  ): Promise<Page> => {
    const form = formIn(page);
    if (form === undefined) throw new Error(`no form at ${new URL(page.url).pathname}`);
    const body = new URLSearchParams();
    for (const [name, value] of form.fields) if (!(name in values)) body.append(name, value);
    for (const [name, value] of Object.entries(values)) {
      for (const single of typeof value === 'string' ? [value] : value) body.append(name, single);
    }
    if (press !== undefined) body.append(...press);
    return request(form.action, { method: 'POST', body }, stopAt);
  };

  /** From an authorization URL, a pairing code's address, or any page that leads to one, through sign-in and consent, to what comes after. */
  const signIn = async (url: string, wish: SignInWish): Promise<Page> => {
    const { decision = 'accept', untick = [], password, stopAt = new URL(url).searchParams.get('redirect_uri') } = wish;
    const stop = stopAt === 'none' || stopAt === null ? undefined : stopAt;
    let page = await open(url, stop);
    for (let step = 0; step < MAX_STEPS; step++) {
      const form = formIn(page);
      const offers = (value: string) => form?.buttons.some((button) => button[0] === 'action' && button[1] === value);
      if (form === undefined) return page;
      if (offers('sign-in')) {
        // The form again means that it was refused; the page says why.
        if (page.body.includes('role="alert"')) return page;
        const values = { username: wish.username, ...(password !== undefined && { password }) };
        page = await submit(page, ['action', decision === 'cancel' ? 'cancel' : 'sign-in'], values, stop);
      } else if (offers('accept')) {
        const scopes = form.fields.filter(([name]) => name === 'scope').map(([, value]) => value);
        const values = scopes.length === 0 ? {} : { scope: scopes.filter((scope) => !untick.includes(scope)) };
        page = await submit(page, ['action', decision === 'refuse' ? 'refuse' : 'accept'], values, stop);
      } else if (offers('continue')) {
        page = await submit(page, ['action', 'continue'], {}, stop);
      } else if (form.fields.some(([name]) => name === 'user_code') && !page.body.includes('role="alert"')) {
        page = await submit(page, undefined, {}, stop);
      } else {
        return page;
      }
    }
    throw new Error('the sign-in does not end');
  };

  return { open, submit, signIn };
};

export type Person = ReturnType<typeof makePerson>;

/** The first form of a page that posts; enough for pages without JavaScript. */
export const formIn = ({ body, url }: Page): Form | undefined => {
  const found = /<form\b([^>]*)>([\s\S]*?)<\/form>/i.exec(body);
  if (found === null || attribute(found[1] ?? '', 'method')?.toLowerCase() !== 'post') return undefined;
  const fields: [string, string][] = [];
  const buttons: [string, string][] = [];
  for (const [, tag = '', text = ''] of (found[2] ?? '').matchAll(/<(input|button)\b([^>]*)>/gi)) {
    const [name, value = '', type] = [attribute(text, 'name'), attribute(text, 'value'), attribute(text, 'type')];
    if (name === undefined) continue;
    if (tag.toLowerCase() === 'button' || type === 'submit') buttons.push([name, value]);
    else if (type !== 'checkbox' || /\schecked\b/i.test(text)) fields.push([name, value]);
  }
  return { action: new URL(attribute(found[1] ?? '', 'action') ?? '', url).href, fields, buttons };
};

const attribute = (text: string, name: string): string | undefined => {
  const value = new RegExp(`(?:^|\\s)${name}="([^"]*)"`, 'i').exec(text)?.[1];
  return value
    ?.replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&');
};

/** By host and path; like a browser's it takes no notice of ports (RFC 6265 section 8.5). */
const cookieJar = () => {
  const cookies = new Map<string, { name: string; value: string; host: string; path: string }>();
  return {
    store: (url: string, lines: readonly string[]): void => {
      for (const line of lines) {
        const [pair = '', ...attributes] = line.split(';').map((part) => part.trim());
        const name = pair.slice(0, pair.indexOf('='));
        const value = pair.slice(pair.indexOf('=') + 1);
        const option = (wanted: string) =>
          attributes.find((text) => text.toLowerCase().startsWith(`${wanted}=`))?.slice(wanted.length + 1);
        const { hostname: host } = new URL(url);
        const path = option('path') ?? '/';
        const key = `${host} ${path} ${name}`;
        const expires = option('expires');
        const gone = option('max-age') === '0' || (expires !== undefined && Date.parse(expires) <= Date.now());
        if (gone) cookies.delete(key);
        else cookies.set(key, { name, value, host, path });
      }
    },
    header: (url: string): string => {
      const { hostname, pathname } = new URL(url);
      const fits = ({ host, path }: { host: string; path: string }): boolean =>
        host === hostname && (pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`));
      return [...cookies.values()]
        .filter(fits)
        .map(({ name, value }) => `${name}=${value}`)
        .join('; ');
    },
  };
};
