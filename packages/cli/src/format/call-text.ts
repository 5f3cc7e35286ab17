// SPDX-License-Identifier: Apache-2.0
import type { AnyRecord, Toned } from './record-parts.js';
import { attributeOf } from './record-parts.js';
import { escapeText, truncate } from './terminal-text.js';
import { plural } from './units.js';

/** What was asked, and what came of it beyond the status; both escaped. */
export interface CallText {
  readonly asked: string;
  /** The same in fewer columns, with the most telling part kept. */
  readonly brief: string;
  readonly outcome: Toned | undefined;
}

/** A value of this length says what it is about; statements can be megabytes. */
const longestText = 300;
const longestValue = 40;

/**
 * Describes a call by the attributes that it has, not by its protocol, so that a protocol by somebody else that keeps to
 * OpenTelemetry's names is shown as well as ours.
 */
export function describeCall(record: AnyRecord): CallText {
  const parts = (describers.find(({ fits }) => fits(record)) ?? generic).parts(record);
  const asked = escapeText(parts.asked);
  return {
    asked,
    brief: parts.brief === undefined ? asked : escapeText(parts.brief),
    outcome: failure(record) ?? (parts.result === undefined ? undefined : dim(parts.result)),
  };
}

interface Parts {
  readonly asked: string;
  readonly brief?: string;
  /** What a success returned. */
  readonly result?: string | undefined;
}

interface Describer {
  readonly fits: (record: AnyRecord) => boolean;
  readonly parts: (record: AnyRecord) => Parts;
}

const rpc: Describer = {
  fits: (record) => text(record, 'rpc.method') !== undefined,
  parts: (record) => {
    const service = text(record, 'rpc.service') ?? '?';
    const method = text(record, 'rpc.method') ?? '?';
    return {
      asked: `${service}/${method}`,
      brief: `${service.slice(service.lastIndexOf('.') + 1)}/${method}`,
      result: messages(record, 'libtrace.grpc'),
    };
  },
};

const http: Describer = {
  fits: (record) => text(record, 'url.path') !== undefined,
  parts: (record) => {
    const method = text(record, 'http.request.method_original') ?? operationOf(record);
    const query = text(record, 'url.query') ?? '';
    const suffix = query === '' ? '' : `?${query}`;
    return {
      asked: `${method} ${text(record, 'url.path') ?? ''}${suffix}`,
      result: messages(record, 'libtrace.websocket'),
    };
  },
};

const database: Describer = {
  fits: (record) =>
    text(record, 'db.system.name') !== undefined || text(record, 'db.query.text') !== undefined,
  parts: (record) => ({ asked: statement(record), result: rows(record) }),
};

const messaging: Describer = {
  fits: (record) => text(record, 'messaging.system') !== undefined,
  parts: (record) => {
    const count = numberOf(record, 'messaging.batch.message_count');
    return {
      asked: [operationOf(record), destination(record), group(record)].filter(Boolean).join(' '),
      result: count === undefined ? undefined : plural(count, 'record'),
    };
  },
};

const generic: Describer = {
  fits: () => true,
  parts: (record) => ({ asked: [operationOf(record), ...telling(record)].join(' ') }),
};

const describers: readonly Describer[] = [rpc, http, database, messaging];

/** The statement on one line, behind the command when that was not simply to run it. */
function statement(record: AnyRecord): string {
  const command = text(record, 'libtrace.mysql.command') ?? 'QUERY';
  const query = text(record, 'db.query.text');
  const name = text(record, 'db.namespace');
  if (query === undefined) {
    const what = text(record, 'db.collection.name') ?? name;
    const operation = command === 'QUERY' ? operationOf(record) : command;
    return what === undefined ? operation : `${operation} ${what}`;
  }
  const oneLine = truncate(
    query
      .slice(0, 4 * longestText)
      .replace(/\s+/g, ' ')
      .trim(),
    longestText,
  );
  return command === 'QUERY' ? oneLine : `${command.replace(/^STMT_/, '')} ${oneLine}`;
}

const changing: ReadonlySet<unknown> = new Set(['INSERT', 'UPDATE', 'DELETE', 'REPLACE']);

function rows(record: AnyRecord): string | undefined {
  const returned = numberOf(record, 'db.response.returned_rows');
  const affected = numberOf(record, 'libtrace.mysql.affected_rows');
  const isChange = changing.has(attributeOf(record, 'db.operation.name'));
  if (affected !== undefined && (affected > 0 || isChange)) return `${affected} affected`;
  return returned === undefined ? undefined : plural(returned, 'row');
}

function destination(record: AnyRecord): string | undefined {
  const first = text(record, 'messaging.destination.name');
  if (first === undefined) return undefined;
  const partition = text(record, 'messaging.destination.partition.id');
  const all = attributeOf(record, 'libtrace.kafka.topics');
  const others = Array.isArray(all) && all.length > 1 ? ` +${all.length - 1}` : '';
  return `${first}${partition === undefined ? '' : `[${partition}]`}${others}`;
}

function group(record: AnyRecord): string | undefined {
  const name = text(record, 'messaging.consumer.group.name');
  if (name === undefined) return undefined;
  return text(record, 'messaging.destination.name') === undefined ? name : `(${name})`;
}

/** Messages of a stream, when they are more than the one that every call has. */
function messages(record: AnyRecord, prefix: string): string | undefined {
  const asked = numberOf(record, `${prefix}.request_messages`);
  const answered = numberOf(record, `${prefix}.response_messages`);
  if (asked === undefined && answered === undefined) return undefined;
  const isUnary = asked === 1 && answered === 1;
  return isUnary ? undefined : `${asked ?? '?'}→${answered ?? '?'} messages`;
}

/** Names that say where and how, not what. */
const beside =
  /^(network|server|client|error|url\.scheme|db\.system|messaging\.system|rpc\.system)(\.|$)/;

/** The first two attributes of a protocol that is not known here. */
function telling(record: AnyRecord): string[] {
  const shown: string[] = [];
  for (const [name, value] of Object.entries(record.attributes as Record<string, unknown>)) {
    const plain = plainValue(value);
    if (plain === undefined || plain === record.operation || beside.test(name)) continue;
    const brief = truncate(plain.slice(0, longestText).replace(/\s+/g, ' '), longestValue);
    shown.push(`${name.slice(name.lastIndexOf('.') + 1)}=${brief}`);
    if (shown.length === 2) break;
  }
  return shown;
}

/** gRPC's names of its status codes (https://grpc.io/docs/guides/status-codes/). */
const grpcStatuses = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** Why a call failed, where the protocol says more than a status. */
function failure(record: AnyRecord): Toned | undefined {
  const parts = [errorName(record), text(record, 'error.message')].filter(
    (part) => part !== undefined && part !== '',
  );
  if (parts.length === 0) return undefined;
  const shown = parts
    .join(' ')
    .slice(0, 4 * longestText)
    .replace(/\s+/g, ' ');
  const tone = record.status === 'server-error' ? 'bad' : 'warning';
  return { text: escapeText(truncate(shown, longestText)), tone };
}

function errorName(record: AnyRecord): string | undefined {
  const grpc = numberOf(record, 'rpc.grpc.status_code');
  if (grpc !== undefined) return grpc === 0 ? undefined : (grpcStatuses[grpc] ?? `status ${grpc}`);
  const reset = text(record, 'libtrace.http.reset_code');
  if (reset !== undefined) return `reset ${reset}`;
  const isFailed = record.status === 'client-error' || record.status === 'server-error';
  if (!isFailed || attributeOf(record, 'http.response.status_code') !== undefined) return undefined;
  return (
    plainValue(attributeOf(record, 'db.response.status_code')) ??
    text(record, 'libtrace.kafka.error') ??
    text(record, 'error.type')
  );
}

/** An attribute's value as text; undefined for what attributes cannot be. */
function plainValue(value: unknown): string | undefined {
  if (Array.isArray(value)) return value.join(',');
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function operationOf(record: AnyRecord): string {
  return record.operation === '' ? '?' : record.operation;
}

function text(record: AnyRecord, name: string): string | undefined {
  const value = attributeOf(record, name);
  return typeof value === 'string' ? value : undefined;
}

function numberOf(record: AnyRecord, name: string): number | undefined {
  const value = attributeOf(record, name);
  return typeof value === 'number' ? value : undefined;
}

function dim(value: string): Toned {
  return { text: escapeText(value), tone: 'dim' };
}
