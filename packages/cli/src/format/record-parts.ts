// SPDX-License-Identifier: Apache-2.0
import type { TraceRecord } from '@libtrace/core';

/** A record of any protocol. */
export type AnyRecord = TraceRecord<string, object>;

/** How much attention a part of a line asks for; formatters turn it into a colour. */
export type Tone = 'good' | 'notice' | 'warning' | 'bad' | 'dim' | 'plain';

/** A short text with its tone. */
export interface Toned {
  readonly text: string;
  readonly tone: Tone;
}

/** The value of an attribute, if the record has it. */
export function attributeOf(record: AnyRecord, name: string): unknown {
  return (record.attributes as Readonly<Record<string, unknown>>)[name];
}

/** The status code of HTTP, or a word of at most three letters. */
export function describeResult(record: AnyRecord): Toned {
  if (record.status === 'unanswered') return { text: '---', tone: 'bad' };
  const code = attributeOf(record, 'http.response.status_code');
  // A remote procedure call that failed is a success to HTTP.
  const isHttp = attributeOf(record, 'rpc.system') === undefined;
  if (isHttp && typeof code === 'number') return { text: String(code), tone: toneOfCode(code) };
  switch (record.status) {
    case 'ok':
      return { text: 'ok', tone: 'good' };
    case 'client-error':
      return { text: 'err', tone: 'warning' };
    case 'server-error':
      return { text: 'ERR', tone: 'bad' };
    default:
      return { text: '?', tone: 'dim' };
  }
}

function toneOfCode(code: number): Tone {
  if (code < 200) return 'dim';
  if (code < 300) return 'good';
  if (code < 400) return 'notice';
  return code < 500 ? 'warning' : 'bad';
}

/**
 * The mark of a record that is not whole. `~` (dim): only content or an exact size is missing, as after sendfile or the
 * capture limit. `!`: a message or its head was not seen, or no answer came.
 */
export function describeMissing(record: AnyRecord, brief: boolean): Toned | undefined {
  const unanswered = record.status === 'unanswered';
  const parts: string[] = record.missing.filter((part) => !(unanswered && part === 'response'));
  if (unanswered) parts.unshift('unanswered');
  if (parts.length === 0) return undefined;
  const minor = parts.every((part) => part.endsWith('.body') || part.endsWith('.size'));
  const names = parts.join(',');
  const text = brief ? names.replaceAll('request', 'req').replaceAll('response', 'res') : names;
  const tone = minor ? 'dim' : unanswered ? 'bad' : 'warning';
  return { text: `${minor ? '~' : '!'}${text}`, tone };
}

/** Whether it is known which process made the system calls; a packet capture knows none. */
export function hasProcess(record: AnyRecord): boolean {
  return record.process.pid !== 0;
}

/** What is shown as the protocol: `grpc` for gRPC, whose plugin is that of HTTP. */
export function protocolLabel(record: AnyRecord): string {
  const system = attributeOf(record, 'rpc.system');
  return typeof system === 'string' && system !== '' ? system : record.protocol;
}

/** `→` for a call made, `←` for a call served. */
export function roleArrow(role: AnyRecord['role']): string {
  if (role === 'client') return '→';
  return role === 'server' ? '←' : '↔';
}
