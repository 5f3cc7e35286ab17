// SPDX-License-Identifier: Apache-2.0
import type { HttpRequestFrame } from '../frames.js';

/** All that one side sent on a WebSocket (RFC 6455), from the upgrade to its Close frame or the end of the connection. */
export interface WebSocketFrame {
  /** Says that it is what a side sent on a WebSocket. */
  readonly kind: 'websocket';
  /** The request that opened it; undefined when that was not seen. */
  readonly upgrade: HttpRequestFrame | undefined;
  /** Frames, control frames included; undefined when some were not seen. */
  readonly frames: number | undefined;
  /** Text and binary messages that were sent to their end; undefined as above. */
  readonly messages: number | undefined;
  /** Payload of text and binary messages, as sent (masked, perhaps compressed); undefined as above. */
  readonly payloadBytes: number | undefined;
  /** Of the Close frame (§7.4), when it had one. */
  readonly closeCode: number | undefined;
}
