// SPDX-License-Identifier: Apache-2.0
import { SEMICOLON } from './scan.js';
import type { RedactOptions } from './types.js';

const EQUALS = 0x3d;
const AMPERSAND = 0x26;
const SLASH = 0x2f;

/** What stands in place of a hidden value. */
export const REDACTED = 'REDACTED';

/**
 * Query parameters whose values are hidden: OpenTelemetry's list for `url.query` and the usual names of credentials.
 * Written as {@link plainName} leaves them, so `api_key`, `api-key` and `ApiKey` are one name.
 */
const secretParameters = [
  ...['token', 'accesstoken', 'refreshtoken', 'idtoken', 'authtoken', 'apitoken', 'sessiontoken'],
  ...['securitytoken', 'csrftoken', 'xsrftoken', 'privatetoken', 'usertoken', 'bearertoken'],
  ...['apikey', 'xapikey', 'key', 'accesskey', 'privatekey', 'secretkey', 'subscriptionkey'],
  ...['password', 'passwd', 'passphrase', 'passcode', 'pass', 'pwd', 'pw', 'otp', 'secret'],
  ...['clientsecret', 'appsecret', 'credential', 'credentials', 'auth', 'authorization', 'bearer'],
  ...['sig', 'signature', 'hmac', 'xamzsignature', 'xamzcredential', 'xamzsecuritytoken'],
  ...['xgoogsignature', 'xgoogcredential', 'awsaccesskeyid', 'googleaccessid', 'xossignature'],
  ...['session', 'sessionid', 'sid', 'sessid', 'phpsessid', 'jsessionid', 'aspsessionid'],
  ...['jwt', 'code', 'assertion', 'clientassertion', 'samlresponse', 'samlrequest', 'ticket'],
];

/** Fields that carry credentials, by what their names contain. */
const secretHeader =
  /auth|cookie|token|secret|passw|credential|session|signature|api-?key|access-?key|private-?key|jwt/;

/** Fields whose value is a URL (RFC 9110 §10.1.3, §10.2.2, §8.7). */
const urlHeaders = new Set(['referer', 'location', 'content-location', 'origin', 'refresh']);

/** Hides credentials. Made once per plugin. */
export class Redactor {
  readonly #parameters: ReadonlySet<string>;
  readonly #headers: ReadonlySet<string>;
  readonly #except: ReadonlySet<string>;
  readonly #enabled: boolean;

  constructor(options: boolean | RedactOptions) {
    const names = typeof options === 'object' ? options : {};
    this.#enabled = options !== false;
    this.#except = new Set(names.except?.map(plainName));
    const parameters = [...secretParameters, ...(names.queryParameters ?? []).map(plainName)];
    this.#parameters = new Set(parameters.filter((name) => !this.#except.has(name)));
    this.#headers = new Set(names.headers?.map((name) => name.toLowerCase()));
  }

  /** A query, without its question mark. */
  query(query: string): string {
    if (!this.#enabled || !query.includes('=')) return query;
    return this.#pairs(query, AMPERSAND, SEMICOLON);
  }

  /**
   * A path: credentials may stand in `;name=value` behind a segment (RFC 3986 §3.3), or before an `@` where a target
   * that is in none of the four forms is taken for a path.
   */
  path(path: string): string {
    if (!this.#enabled) return path;
    const at = path.startsWith('/') || path.startsWith('#') ? -1 : path.lastIndexOf('@');
    const shown = at < 0 ? path : REDACTED + path.slice(at);
    return shown.includes(';') ? this.#pairs(shown, SEMICOLON, SLASH) : shown;
  }

  /** A URL or reference: its user information, path parameters and query. */
  url(url: string): string {
    if (!this.#enabled) return url;
    const [, before = '', authority = '', rest = ''] =
      /^([^/?#]*?)(\/\/[^/?#]*)?([/?#][^]*)?$/.exec(url) ?? ['', '', '', url];
    const at = authority.lastIndexOf('@');
    const host = at < 0 ? authority : `//${REDACTED}:${REDACTED}@${authority.slice(at + 1)}`;
    const question = rest.indexOf('?');
    const path = question < 0 ? rest : rest.slice(0, question);
    const query = question < 0 ? '' : `?${this.query(rest.slice(question + 1))}`;
    return before + host + this.path(path) + query;
  }

  /** The value of a field, whose name is in lower case. */
  header(name: string, value: string): string {
    if (!this.#enabled) return value;
    if (this.#headers.has(name)) return REDACTED;
    if (!this.#except.has(plainName(name)) && secretHeader.test(name)) return REDACTED;
    return urlHeaders.has(name) ? this.url(value) : value;
  }

  /** Hides values in `name=value` pairs that one of the two separators divides. One pass. */
  #pairs(text: string, separator: number, other: number): string {
    let shown = '';
    let copied = 0;
    let from = 0;
    let equals = -1;
    for (let at = 0; at <= text.length; at++) {
      const code = at < text.length ? text.charCodeAt(at) : separator;
      if (code === EQUALS && equals < 0) equals = at;
      if (code !== separator && code !== other) continue;
      if (equals >= 0 && equals < at - 1 && this.#isSecret(text.slice(from, equals))) {
        shown += text.slice(copied, equals + 1) + REDACTED;
        copied = at;
      }
      from = at + 1;
      equals = -1;
    }
    return copied === 0 ? text : shown + text.slice(copied);
  }

  /** `user[password]` is `password` in `user`; each part counts. */
  #isSecret(name: string): boolean {
    const decoded = decode(name);
    if (this.#parameters.has(plainName(decoded))) return true;
    return decoded.includes('[') && decoded.split(/[[\]]/).some((part) => this.#isSecretPart(part));
  }

  #isSecretPart(part: string): boolean {
    return this.#parameters.has(plainName(part));
  }
}

/** A name without case, white space and the characters that spellings differ in. */
function plainName(name: string): string {
  return name.toLowerCase().replace(/[-_.+\s]/g, '');
}

/** Percent-decoding (RFC 3986 §2.1) that leaves alone what is malformed. */
function decode(name: string): string {
  if (!name.includes('%')) return name;
  return name.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}
