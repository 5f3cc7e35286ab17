// SPDX-License-Identifier: Apache-2.0
import type { IdRole, NumberRole, TextRole } from './layouts/field.js';
import { RecordCounter } from './record-counter.js';

/** Names of each kind that are kept of one message. */
export const MAX_NAMES = 64;

const none: readonly string[] = Object.freeze([]);
const ZERO_ID = 'AAAAAAAAAAAAAAAAAAAAAA';
const UNSUPPORTED_VERSION = 35;
/** Types of resources in admin requests (ConfigResource). */
const TOPIC_RESOURCE = 2;
const GROUP_RESOURCE = 32;
/** Types of coordinators (KIP-98). */
const GROUP_COORDINATOR = 0;
const TRANSACTION_COORDINATOR = 1;

/** Takes what Metadata and its like say: which name belongs to a topic id. */
export type LearnTopic = (id: string, name: string) => void;

/** How much of a body was read. */
export type BodyState =
  | 'whole'
  /** The API or its version is not known here: nothing was read, or nothing behind what was. */
  | 'unread'
  /** The rest lay in a hole or never came. */
  | 'cut'
  /** It is not what its API says: nothing of it is believed. */
  | 'malformed';

/** What a record says of the body of a message, collected while it is read. */
export class Body {
  /** How far it was read: `cut` until its end was seen. */
  state: BodyState = 'cut';
  /** Distinct, in the order of the message, at most {@link MAX_NAMES}; so too the next two. */
  topics = none;
  topicIds = none;
  groups = none;
  /** How often a partition is named, and the first that is. */
  partitions = 0;
  partition = 0;
  transactionalId: string | undefined;
  saslMechanism: string | undefined;
  acks: number | undefined;
  throttleMs: number | undefined;
  counter: RecordCounter | undefined;
  readonly #learn: LearnTopic | undefined;
  #error = 0;
  #coordinatorType = GROUP_COORDINATOR;
  #coordinatorKeys = none;
  #resourceType = -1;
  #lastTopic: string | undefined;

  constructor(learn?: LearnTopic) {
    this.#learn = learn;
  }

  /** The first error code that is not 0; 0 when it is known that there is none. */
  get errorCode(): number | undefined {
    if (this.state === 'malformed') return undefined;
    if (this.#error !== 0) return this.#error;
    return this.state === 'whole' ? 0 : undefined;
  }

  /** Records, when their number is known. */
  get recordCount(): number | undefined {
    const { counter } = this;
    return counter?.known === true && this.state === 'whole' ? counter.records : undefined;
  }

  /** Bytes of the record fields, when all were seen. */
  get recordBytes(): number | undefined {
    return this.state === 'whole' ? this.counter?.bytes : undefined;
  }

  /** Groups and transactional id of FindCoordinator, whose type may come behind its keys. */
  finish(): void {
    if (this.#coordinatorKeys.length === 0) return;
    if (this.#coordinatorType === GROUP_COORDINATOR) {
      for (const key of this.#coordinatorKeys) this.groups = added(this.groups, key);
    } else if (this.#coordinatorType === TRANSACTION_COORDINATOR) {
      this.transactionalId = this.#coordinatorKeys[0];
    }
  }

  /**
   * An answer to ApiVersions that does not read as its version may be one in version 0, of a broker that does not know
   * the version (KIP-511): then nothing but its error is said.
   */
  refuseVersion(): void {
    if (this.#error !== UNSUPPORTED_VERSION) return;
    this.throttleMs = undefined;
    this.state = 'whole';
  }

  number(role: NumberRole, value: number): void {
    switch (role) {
      case 'error':
        if (this.#error === 0) this.#error = value;
        break;
      case 'throttle':
        this.throttleMs = value;
        break;
      case 'partition':
        if (this.partitions++ === 0) this.partition = value;
        break;
      case 'acks':
        this.acks = value;
        break;
      case 'coordinator-type':
        this.#coordinatorType = value;
        break;
      case 'resource-type':
        this.#resourceType = value;
        break;
    }
  }

  /** `value`: undefined when it is null, or too long to be kept. */
  text(role: TextRole, value: string | undefined): void {
    if (role === 'topic') this.#lastTopic = value;
    if (value === undefined) return;
    switch (role) {
      case 'topic':
        this.topics = added(this.topics, value);
        break;
      case 'group':
        this.groups = added(this.groups, value);
        break;
      case 'transactional-id':
        this.transactionalId ??= value;
        break;
      case 'coordinator-key':
        this.#coordinatorKeys = added(this.#coordinatorKeys, value);
        break;
      case 'resource-name':
        if (this.#resourceType === TOPIC_RESOURCE) this.topics = added(this.topics, value);
        else if (this.#resourceType === GROUP_RESOURCE) this.groups = added(this.groups, value);
        break;
      case 'sasl-mechanism':
        this.saslMechanism = value;
        break;
    }
  }

  /** `value`: as Kafka writes it, base64url without padding. */
  id(role: IdRole, value: string): void {
    if (value === ZERO_ID) return;
    if (role === 'id-of-topic' && this.#lastTopic !== undefined) {
      this.#learn?.(value, this.#lastTopic);
    } else {
      this.topicIds = added(this.topicIds, value);
    }
  }

  records(length: number): RecordCounter {
    this.counter ??= new RecordCounter();
    this.counter.begin(length);
    return this.counter;
  }
}

function added(names: readonly string[], name: string): readonly string[] {
  if (names.length >= MAX_NAMES || names.includes(name)) return names;
  return [...names, name];
}
