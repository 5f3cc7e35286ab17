// SPDX-License-Identifier: Apache-2.0
import type { Side } from '@libtrace/core/plugin';
import { API_VERSIONS, apis, isFlexible } from '../apis.js';
import { adminLayouts } from './admin.js';
import { clusterLayouts } from './cluster.js';
import { dataLayouts } from './data.js';
import type { Field, IdRole, Layout, NumberRole, TextRole } from './field.js';
import { groupLayouts } from './groups.js';
import { transactionLayouts } from './transactions.js';

/** One step of reading a message: a field of one version, or the tagged fields behind a structure. */
export type Step =
  | { readonly type: 'fixed'; readonly bytes: 1 | 2 | 4 | 8; readonly role: NumberRole | undefined }
  | { readonly type: 'uuid'; readonly role: IdRole | undefined }
  | { readonly type: 'text'; readonly role: TextRole | undefined }
  | { readonly type: 'bytes' | 'records' | 'tags' | 'rest' | 'unread' }
  | StructureStep;

/** A structure: as often as an array says, or once. */
export interface StructureStep {
  readonly type: 'list' | 'struct';
  readonly of: readonly Step[];
  /** Fewest bytes that one takes: no array is longer than what is left of the message allows. */
  readonly leastBytes: number;
}

/** How to read everything behind the fixed part of a header, for one version. */
export interface Program {
  /** Lengths are varints (KIP-482). */
  readonly compact: boolean;
  readonly steps: readonly Step[];
}

const layouts: Readonly<Record<number, Layout>> = {
  ...dataLayouts,
  ...groupLayouts,
  ...transactionLayouts,
  ...adminLayouts,
  ...clusterLayouts,
};

const unreadBody: Program = { compact: false, steps: [{ type: 'unread' }] };
const programs = new Map<number, Program>();

/**
 * The program for a message, from the end of the client id (of a request) or of the correlation id (of a response).
 * APIs and versions that this package does not know have one that reads nothing.
 */
export function programOf(side: Side, key: number, version: number): Program {
  const api = apis[key];
  const layout = layouts[key];
  if (api === undefined || layout === undefined || version > api.maxVersion) return unreadBody;
  const id = (key * 64 + version) * 2 + (side === 'request' ? 0 : 1);
  let program = programs.get(id);
  if (program === undefined) {
    program = compile(side, key, version, layout[side]);
    programs.set(id, program);
  }
  return program;
}

function compile(side: Side, key: number, version: number, fields: readonly Field[]): Program {
  const compact = isFlexible(key, version);
  const steps = stepsOf(fields, version, compact);
  // Headers: v2 and v1 end with tagged fields; the one of an ApiVersions response never has them (KIP-511).
  const headerTags = compact && (side === 'request' || key !== API_VERSIONS);
  return { compact, steps: headerTags ? [{ type: 'tags' }, ...steps] : steps };
}

/** Fields of a structure, with the tagged fields at its end. */
function stepsOf(fields: readonly Field[], version: number, compact: boolean): Step[] {
  const steps = fields
    .filter(({ since = 0, until = Infinity }) => version >= since && version <= until)
    .map((field) => stepOf(field, version, compact));
  if (compact) steps.push({ type: 'tags' });
  return steps;
}

function stepOf(field: Field, version: number, compact: boolean): Step {
  switch (field.type) {
    case 'fixed':
      return { type: 'fixed', bytes: field.bytes, role: field.role };
    case 'uuid':
      return { type: 'uuid', role: field.role };
    case 'text':
      return { type: 'text', role: field.role };
    case 'values': {
      const of = [stepOf(field.of, version, compact)];
      return { type: 'list', of, leastBytes: leastBytes(of, compact) };
    }
    case 'list':
    case 'struct': {
      const of = stepsOf(field.of, version, compact);
      return { type: field.type, of, leastBytes: leastBytes(of, compact) };
    }
    default:
      return { type: field.type };
  }
}

function leastBytes(steps: readonly Step[], compact: boolean): number {
  return steps.reduce((sum, step) => sum + least(step, compact), 0);
}

function least(step: Step, compact: boolean): number {
  switch (step.type) {
    case 'fixed':
      return step.bytes;
    case 'uuid':
      return 16;
    case 'text':
      return compact ? 1 : 2;
    case 'bytes':
    case 'records':
    case 'list':
      return compact ? 1 : 4;
    case 'struct':
      return step.leastBytes;
    case 'tags':
      return 1;
    case 'rest':
    case 'unread':
      return 0;
  }
}
