// SPDX-License-Identifier: Apache-2.0
import { size } from './request-line.js';

/** What a line of a response is. */
export type ResponseLine =
  /** The whole response, or the end of one. */
  | { readonly is: 'end'; readonly result: string; readonly message?: string }
  /** A value with its size: a data block follows. `alone`: it is the whole response. */
  | { readonly is: 'value'; readonly bytes: number; readonly alone: boolean }
  /** A line of a response that goes on until `END`. */
  | { readonly is: 'item' };

const single = new Set([
  ...['STORED', 'NOT_STORED', 'EXISTS', 'NOT_FOUND', 'DELETED', 'TOUCHED', 'OK', 'END', 'RESET'],
  ...['MN', 'BUSY', 'BADCLASS', 'NOSPARE', 'NOTFULL', 'UNSAFE', 'SAME'],
]);
const metaResults = new Set(['HD', 'EN', 'NF', 'NS', 'EX', 'ME']);

/**
 * Reads a line of a response (without its line end).
 *
 * ```
 * VALUE <key> <flags> <bytes> [<cas>]\r\n<data block>\r\n … END\r\n
 * STAT <name> <value>\r\n … END\r\n
 * VA <size> <flags>*\r\n<data block>\r\n
 * CLIENT_ERROR <message>\r\n
 * ```
 * @returns undefined when it is none
 */
export function readResponseLine(line: string): ResponseLine | undefined {
  if (single.has(line)) return { is: 'end', result: line };
  if (line === 'ERROR') return { is: 'end', result: line, message: '' };
  const error = /^(CLIENT_ERROR|SERVER_ERROR) ([\x20-\x7e]*)$/.exec(line);
  if (error !== null) return { is: 'end', result: error[1]!, message: error[2]! };
  if (/^\d{1,20}$/.test(line)) return { is: 'end', result: 'NUMBER' };
  if (/^VERSION [\x21-\x7e]{1,80}$/.test(line)) return { is: 'end', result: 'VERSION' };
  if (/^STAT [\x21-\x7e]+ [\x20-\x7e]*$/.test(line)) return { is: 'item' };
  const value = /^VALUE [^ ]{1,250} \d{1,10} (\d{1,10})(?: \d{1,20})?$/.exec(line);
  if (value !== null) return valueOf(value[1], false);
  const words = line.split(' ');
  if (words[0] === 'VA' && words.length >= 2) return valueOf(words[1], true);
  if (metaResults.has(words[0]!) && /^[\x20-\x7e]+$/.test(line)) {
    return { is: 'end', result: words[0]! };
  }
  return undefined;
}

function valueOf(text: string | undefined, alone: boolean): ResponseLine | undefined {
  const bytes = size(text);
  return bytes < 0 ? undefined : { is: 'value', bytes, alone };
}
