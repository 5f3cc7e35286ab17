// SPDX-License-Identifier: Apache-2.0
import type { Endpoint } from '../model/index.js';

const AF_INET = 2;
const AF_INET6 = 10;

function ipv6(bytes: Buffer): string {
  const mapped = bytes.readUInt32BE(8) === 0xffff && bytes.readBigUInt64BE(0) === 0n;
  if (mapped) return bytes.subarray(12).join('.');
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(i).toString(16));
  // RFC 5952, 4.2: the longest run of two or more zero groups becomes `::`, the first one on a tie.
  let best = { at: -1, length: 1 };
  for (let i = 0; i < 8; i++) {
    let length = 0;
    while (i + length < 8 && groups[i + length] === '0') length++;
    if (length > best.length) best = { at: i, length };
    i += length;
  }
  if (best.at < 0) return groups.join(':');
  return `${groups.slice(0, best.at).join(':')}::${groups.slice(best.at + best.length).join(':')}`;
}

/** An Internet endpoint from an address in network byte order. IPv4-mapped IPv6 addresses are written as IPv4. */
export function inetEndpoint(family: number, address: Buffer, port: number): Endpoint {
  if (family === AF_INET) return { address: address.subarray(0, 4).join('.'), port };
  if (family === AF_INET6) return { address: ipv6(address), port };
  return { address: '', port };
}

/** A unix socket's endpoint from its sun_path; abstract names (leading NUL) are written with `@`. */
export function unixEndpoint(path: Buffer): Endpoint {
  if (path.length === 0) return { address: '', port: 0 };
  if (path[0] === 0) return { address: `@${path.toString('utf8', 1)}`, port: 0 };
  const end = path.indexOf(0);
  return { address: path.toString('utf8', 0, end < 0 ? path.length : end), port: 0 };
}
