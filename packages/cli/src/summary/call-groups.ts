// SPDX-License-Identifier: Apache-2.0
import type { Missing, RecordStatus, Role } from '@libtrace/core';
import { formatEndpoint } from '../format/endpoint.js';
import type { AnyRecord } from '../format/record-parts.js';
import { hasProcess, protocolLabel } from '../format/record-parts.js';
import { DurationHistogram } from './histogram.js';

/** Calls of one kind: same process name, role, protocol and operation. */
export interface CallGroup {
  /** Name of the process; of the server when no process is known. */
  readonly comm: string;
  /** What it is in the calls. */
  readonly role: Role;
  /** Name of the plugin. */
  readonly protocol: string;
  /** What was asked. */
  readonly operation: string;
  /** How many ended how. */
  readonly statuses: Readonly<Record<RecordStatus, number>>;
  /** How many there were. */
  readonly calls: number;
  /** Bytes of the requests. */
  readonly requestBytes: number;
  /** Bytes of the responses. */
  readonly responseBytes: number;
  /** Of the calls whose request and response were both seen. */
  readonly durations: DurationHistogram;
}

interface MutableGroup extends CallGroup {
  statuses: Record<RecordStatus, number>;
  calls: number;
  requestBytes: number;
  responseBytes: number;
}

const defaultMaxGroups = 256;

/** Counts calls by kind, in bounded memory: kinds beyond the limit are counted together as `(others)`. */
export class CallGroups {
  readonly #maxGroups: number;
  readonly #groups = new Map<string, MutableGroup>();
  readonly #missing = new Map<Missing, number>();
  readonly #total: MutableGroup;
  #incomplete = 0;

  /** Keeps so many kinds apart; default 256. */
  constructor(maxGroups = defaultMaxGroups) {
    this.#maxGroups = maxGroups;
    this.#total = newGroup('', 'unknown', '', '');
  }

  /** Everything together. */
  get total(): CallGroup {
    return this.#total;
  }

  /** Records that lacked something. */
  get incomplete(): number {
    return this.#incomplete;
  }

  /** How many records lacked what, most frequent first. */
  missing(): readonly (readonly [Missing, number])[] {
    return [...this.#missing].sort((one, other) => other[1] - one[1]);
  }

  /** Counts a record. */
  add(record: AnyRecord): void {
    count(this.#group(record), record);
    count(this.#total, record);
    if (record.missing.length > 0) this.#incomplete += 1;
    for (const part of record.missing) {
      this.#missing.set(part, (this.#missing.get(part) ?? 0) + 1);
    }
  }

  /** The kinds with the most calls, and how many kinds there are. */
  top(limit: number): {
    /** The kinds with the most calls, at most `limit`. */
    readonly groups: readonly CallGroup[];
    /** How many kinds there are. */
    readonly all: number;
  } {
    const groups = [...this.#groups.values()].sort((one, other) => other.calls - one.calls);
    return { groups: groups.slice(0, limit), all: groups.length };
  }

  #group(record: AnyRecord): MutableGroup {
    const { operation } = record;
    const protocol = protocolLabel(record);
    const { comm, role } = whose(record);
    const key = `${comm}\0${role}\0${protocol}\0${operation}`;
    const known = this.#groups.get(key);
    if (known !== undefined) return known;
    const full = this.#groups.size >= this.#maxGroups;
    const group = full
      ? (this.#groups.get('') ?? newGroup('(others)', 'unknown', '', ''))
      : newGroup(comm, role, protocol, operation);
    this.#groups.set(full ? '' : key, group);
    return group;
  }
}

/** Whose calls these are: of a process, or, where none is known, those to a server. */
function whose(record: AnyRecord): { readonly comm: string; readonly role: Role } {
  if (hasProcess(record)) return { comm: record.process.comm, role: record.role };
  const { server, transport } = record.connection;
  return { comm: formatEndpoint(server, transport), role: 'client' };
}

function newGroup(comm: string, role: Role, protocol: string, operation: string): MutableGroup {
  return {
    comm,
    role,
    protocol,
    operation,
    statuses: { ok: 0, 'client-error': 0, 'server-error': 0, unanswered: 0, unknown: 0 },
    calls: 0,
    requestBytes: 0,
    responseBytes: 0,
    durations: new DurationHistogram(),
  };
}

function count(group: MutableGroup, record: AnyRecord): void {
  group.calls += 1;
  group.statuses[record.status] += 1;
  group.requestBytes += record.requestBytes;
  group.responseBytes += record.responseBytes;
  const whole = !record.missing.includes('request') && !record.missing.includes('response');
  if (whole && record.status !== 'unanswered') group.durations.record(record.durationMs);
}
