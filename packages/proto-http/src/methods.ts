// SPDX-License-Identifier: Apache-2.0
import { equals } from './scan.js';

/** The methods of RFC 9110 §9.3 and PATCH (RFC 5789). */
export const commonMethods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
] as const;

/** Further methods of the IANA registry (RFC 9110 §16.1), and QUERY; of WebDAV and its relatives for the most part. */
export const extensionMethods = [
  'ACL',
  'BASELINE-CONTROL',
  'BIND',
  'CHECKIN',
  'CHECKOUT',
  'COPY',
  'LABEL',
  'LINK',
  'LOCK',
  'MERGE',
  'MKACTIVITY',
  'MKCALENDAR',
  'MKCOL',
  'MKREDIRECTREF',
  'MKWORKSPACE',
  'MOVE',
  'ORDERPATCH',
  'PROPFIND',
  'PROPPATCH',
  'QUERY',
  'REBIND',
  'REPORT',
  'SEARCH',
  'UNBIND',
  'UNCHECKOUT',
  'UNLINK',
  'UNLOCK',
  'UPDATE',
  'UPDATEREDIRECTREF',
  'VERSION-CONTROL',
] as const;

/** Every registered method but `PRI` and `*`, which never begin an HTTP/1 message. */
export const registeredMethods: readonly string[] = [...commonMethods, ...extensionMethods];

/** Longest method that is accepted; the longest registered one has 17 characters. */
export const MAX_METHOD_LENGTH = 32;

const byLength: (readonly string[])[] = [];
for (let length = 0; length <= MAX_METHOD_LENGTH; length++) {
  byLength.push(registeredMethods.filter((method) => method.length === length));
}

/** The method in bytes `from … to`: a shared string for registered ones. Case matters (RFC 9110 §9.1). */
export function methodAt(buffer: Buffer, from: number, to: number): string {
  const candidates = byLength[to - from];
  if (candidates !== undefined) {
    for (const candidate of candidates) if (equals(buffer, from, candidate)) return candidate;
  }
  return buffer.toString('latin1', from, to);
}
