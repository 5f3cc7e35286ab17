// SPDX-License-Identifier: Apache-2.0

/** What a number in a message means to a record. */
export type NumberRole =
  | 'error'
  | 'throttle'
  | 'partition'
  | 'acks'
  /** Of FindCoordinator: whether its keys are groups or transactional ids. */
  | 'coordinator-type'
  /** Of an admin request: whether the name behind it is a topic's. */
  | 'resource-type';

/** What a string in a message means to a record. */
export type TextRole =
  'topic' | 'group' | 'transactional-id' | 'coordinator-key' | 'resource-name' | 'sasl-mechanism';

/** What a UUID in a message means to a record. */
export type IdRole =
  /** Stands for a topic. */
  | 'topic-id'
  /** Is the id of the topic whose name came right before. */
  | 'id-of-topic';

/** Versions that have a field; both ends belong to it. */
interface Versions {
  readonly since?: number;
  readonly until?: number;
}

/** One field of a message, in the order of the wire. Types: the protocol guide, "Protocol Primitive Types". */
export type Field = Versions &
  (
    | { readonly type: 'fixed'; readonly bytes: 1 | 2 | 4 | 8; readonly role?: NumberRole }
    | { readonly type: 'uuid'; readonly role?: IdRole }
    /** STRING and its nullable and compact forms. */
    | { readonly type: 'text'; readonly role?: TextRole }
    /** BYTES and its nullable and compact forms. */
    | { readonly type: 'bytes' }
    /** RECORDS: bytes that hold record batches. */
    | { readonly type: 'records' }
    /** ARRAY of values, without tagged fields of their own. */
    | { readonly type: 'values'; readonly of: Field }
    /** ARRAY of structures. */
    | { readonly type: 'list'; readonly of: readonly Field[] }
    /** A structure, once. */
    | { readonly type: 'struct'; readonly of: readonly Field[] }
    /** The rest of the message holds nothing that a record says. */
    | { readonly type: 'rest' }
    /** The rest of the message is not understood: it may hold errors. */
    | { readonly type: 'unread' }
  );

/** The two halves of an API. */
export interface Layout {
  readonly request: readonly Field[];
  readonly response: readonly Field[];
}

export const byte: Field = { type: 'fixed', bytes: 1 };
export const short: Field = { type: 'fixed', bytes: 2 };
export const int: Field = { type: 'fixed', bytes: 4 };
export const long: Field = { type: 'fixed', bytes: 8 };
export const uuid: Field = { type: 'uuid' };
export const text: Field = { type: 'text' };
export const bytes: Field = { type: 'bytes' };
export const records: Field = { type: 'records' };
export const rest: Field = { type: 'rest' };
export const unread: Field = { type: 'unread' };

export const topic: Field = { type: 'text', role: 'topic' };
export const topicId: Field = { type: 'uuid', role: 'topic-id' };
export const idOfTopic: Field = { type: 'uuid', role: 'id-of-topic' };
export const partition: Field = { type: 'fixed', bytes: 4, role: 'partition' };
export const group: Field = { type: 'text', role: 'group' };
export const transactionalId: Field = { type: 'text', role: 'transactional-id' };
export const error: Field = { type: 'fixed', bytes: 2, role: 'error' };
export const throttle: Field = { type: 'fixed', bytes: 4, role: 'throttle' };
export const resourceType: Field = { type: 'fixed', bytes: 1, role: 'resource-type' };
export const resourceName: Field = { type: 'text', role: 'resource-name' };

/** An array of structures. */
export const list = (...of: readonly Field[]): Field => ({ type: 'list', of });
/** An array of single values. */
export const values = (of: Field): Field => ({ type: 'values', of });
export const struct = (...of: readonly Field[]): Field => ({ type: 'struct', of });

/** A field that versions from this one on have. */
export const from = (since: number, field: Field): Field => ({ ...field, since });
/** A field that versions up to this one have. */
export const upTo = (until: number, field: Field): Field => ({ ...field, until });
/** A field that versions from one to another have. */
export const between = (since: number, until: number, field: Field): Field => ({
  ...field,
  since,
  until,
});

/** What most responses without partitions are: throttle time and error, then what a record does not say. */
export const throttledError: readonly Field[] = [throttle, error, rest];
