import assert from 'node:assert/strict';
import { ADMIN_KEY, type ConsoleOverMemory } from './console.ts';

export type Fields = Readonly<Record<string, string>>;

/** A browser without scripts: keeps cookies, and sends the token of the page it is looking at. */
export const visitorOf = ({ app }: ConsoleOverMemory) => {
  const cookies = new Map<string, string>();
  let csrfToken: string | undefined;

  const request = async (path: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await app.request(path, { ...init, headers: { cookie, ...init.headers } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (/max-age=0/i.test(line)) cookies.delete(name);
      else cookies.set(name, value);
    }
    const text = await response.text();
    csrfToken = /name="csrf_token" value="([^"]+)"/.exec(text)?.[1] ?? csrfToken;
    return {
      status: response.status,
      headers: response.headers,
      location: response.headers.get('location') ?? '',
      text,
    };
  };

  const post = (path: string, fields: Fields = {}, headers: Record<string, string> = {}) =>
    request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body: new URLSearchParams({
        ...(csrfToken === undefined ? {} : { csrf_token: csrfToken }),
        ...fields,
      }).toString(),
    });

  return {
    cookies,
    request,
    get: (path: string, headers: Record<string, string> = {}) => request(path, { headers }),
    post,
    /** Posts a form and opens the page it leads to. */
    async submit(path: string, fields: Fields = {}) {
      const reply = await post(path, fields);
      assert.equal(reply.status, 303, `${path}: ${reply.text.slice(0, 2000)}`);
      return { ...(await request(reply.location)), location: reply.location };
    },
    async logIn(adminKey = ADMIN_KEY) {
      await post('/console/login', { admin_key: adminKey });
      return request('/');
    },
  };
};

export const unescaped = (html: string): string =>
  html.replaceAll('&#39;', "'").replaceAll('&quot;', '"').replaceAll('&amp;', '&');

export const countOf = (text: string, part: string): number => text.split(part).length - 1;

/** What must hold for each page, whatever it says. */
export const assertSound = (html: string, where: string): void => {
  assert.match(html, /^<!doctype html>/, where);
  assert.doesNotMatch(html, /\b(?:undefined|null|NaN)\b|\[object|=> /, where);
  assert.doesNotMatch(html, /<script|\son\w+=|javascript:|style=/i, where);
  assert.equal(countOf(html, '<h1'), 1, where);
  const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  assert.equal(new Set(ids).size, ids.length, `${where}: an id is given twice`);
  for (const [control] of html.matchAll(/<(?:input|select|textarea)\b[^>]*>/g)) {
    if (control.includes('type="hidden"')) continue;
    const id = /\sid="([^"]*)"/.exec(control)?.[1];
    assert.ok(id && html.includes(`<label for="${id}">`), `${where}: no label for ${control}`);
  }
  for (const [described] of html.matchAll(/aria-describedby="([^"]*)"/g)) {
    for (const id of described.slice(18, -1).split(' '))
      assert.ok(ids.includes(id), `${where}: ${id} describes nothing`);
  }
};
