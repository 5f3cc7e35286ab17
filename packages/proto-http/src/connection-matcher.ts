// SPDX-License-Identifier: Apache-2.0
import type { EmitPair, Matcher, Message, Side } from '@libtrace/core/plugin';
import type { HttpFrame } from './frames.js';
import { StreamMatcher } from './http2/stream-matcher.js';
import { WebSocketMatcher } from './websocket/matcher.js';

/** Whether order tells which response answers a request: so it is with plain HTTP/1. */
export function isInOrder(frame: HttpFrame): boolean {
  return frame.kind === 'request' || frame.kind === 'response';
}

/** Pairs what order does not: the streams of HTTP/2, and the two directions of a WebSocket. */
export class ConnectionMatcher implements Matcher<HttpFrame> {
  readonly #streams = new StreamMatcher();
  readonly #webSocket = new WebSocketMatcher();

  get waiting(): boolean {
    return this.#streams.waiting;
  }

  push(side: Side, message: Message<HttpFrame>, emit: EmitPair<HttpFrame>): void {
    if (message.frame.kind === 'websocket') {
      this.#webSocket.push(side, message, emit);
    } else {
      this.#streams.push(side, message, emit);
    }
  }

  lost(side: Side, emit: EmitPair<HttpFrame>): void {
    this.#streams.lost(side, emit);
    this.#webSocket.lost(side);
  }

  tick(nowNs: number, emit: EmitPair<HttpFrame>): void {
    this.#streams.tick(nowNs, emit);
  }

  close(emit: EmitPair<HttpFrame>): void {
    this.#streams.close(emit);
    this.#webSocket.close(emit);
  }
}
