// SPDX-License-Identifier: Apache-2.0
import type { Body } from './body.js';

/** A request: header (v0 to v2) and what a record says of its body. */
export interface KafkaRequestFrame {
  /** Tells it from a response. */
  readonly kind: 'request';
  /** Number of the API. */
  readonly apiKey: number;
  /** Version that it is written in. */
  readonly apiVersion: number;
  /** Signed; repeated by the response. */
  readonly correlationId: number;
  /** Undefined when it is null. */
  readonly clientId: string | undefined;
  /** What was read of its body. */
  readonly body: Body;
}

/** A response. Its header names nothing but its request. */
export interface KafkaResponseFrame {
  /** Tells it from a request. */
  readonly kind: 'response';
  /** That of the request. */
  readonly correlationId: number;
  /** API of the request; undefined when it had not been seen, so that nothing but the header could be read. */
  readonly apiKey: number | undefined;
  /** What was read of its body. */
  readonly body: Body;
}

/** One message of the protocol. */
export type KafkaFrame = KafkaRequestFrame | KafkaResponseFrame;
