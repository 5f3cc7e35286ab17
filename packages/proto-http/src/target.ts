// SPDX-License-Identifier: Apache-2.0

/** A host with the port behind it, if there is one. */
export interface Authority {
  readonly address: string;
  readonly port: number | undefined;
}

/** A request target, taken apart (RFC 9112 §3.2). Nothing is decoded or normalized. */
export interface Target {
  readonly path: string | undefined;
  readonly query: string | undefined;
  /** Of the absolute form. */
  readonly scheme: string | undefined;
  /** Of the absolute and the authority form. */
  readonly authority: string | undefined;
}

const absoluteForm = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i;

/** Takes a target apart. Its four forms: `/path?query`, `http://host/path?query`, `host:port` for CONNECT, `*`. */
export function splitTarget(method: string, target: string): Target {
  if (target.startsWith('/')) return pathAndQuery(target, undefined, undefined);
  if (method === 'CONNECT') {
    return { path: undefined, query: undefined, scheme: undefined, authority: target };
  }
  const absolute = absoluteForm.exec(target);
  if (absolute === null) return pathAndQuery(target, undefined, undefined);
  const rest = target.slice(absolute[0].length);
  const path = rest.startsWith('/') ? rest : `/${rest}`;
  return pathAndQuery(path, absolute[1]!.toLowerCase(), absolute[2]);
}

function pathAndQuery(
  rest: string,
  scheme: string | undefined,
  authority: string | undefined,
): Target {
  // a fragment is never sent; where one is, it belongs to what it follows
  const question = rest.indexOf('?');
  if (question < 0) return { path: rest, query: undefined, scheme, authority };
  return { path: rest.slice(0, question), query: rest.slice(question + 1), scheme, authority };
}

/** `host`, `host:port` or `[v6]:port` (RFC 3986 §3.2) without user information; undefined when it names no host. */
export function splitAuthority(authority: string): Authority | undefined {
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  const bracket = host.startsWith('[') ? host.indexOf(']') : -1;
  const colon = bracket < 0 ? host.lastIndexOf(':') : host.indexOf(':', bracket);
  const name = colon < 0 ? host : host.slice(0, colon);
  const address = bracket < 0 ? name : host.slice(1, bracket);
  if (address === '') return undefined;
  return { address, port: colon < 0 ? undefined : port(host, colon + 1) };
}

function port(text: string, from: number): number | undefined {
  let value = 0;
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
    if (value > 65_535) return undefined;
  }
  return from === text.length ? undefined : value;
}
