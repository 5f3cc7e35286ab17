// SPDX-License-Identifier: Apache-2.0
import type { EmitPair, Matcher, Message, Side } from '@libtrace/core/plugin';
import type { HttpFrame } from '../frames.js';
import type { WebSocketFrame } from './frames.js';

/** Joins what both sides of a WebSocket sent in one exchange, when both have ended. */
export class WebSocketMatcher implements Matcher<HttpFrame> {
  readonly #sent: Partial<Record<Side, Message<HttpFrame>>> = {};
  readonly #lost: Record<Side, boolean> = { request: false, response: false };

  push(side: Side, message: Message<HttpFrame>, emit: EmitPair<HttpFrame>): void {
    this.#sent[side] = message;
    if (this.#sent.request !== undefined && this.#sent.response !== undefined) this.close(emit);
  }

  /** What one side sent may have been missed. */
  lost(side: Side): void {
    this.#lost[side] = true;
  }

  /** A side that sent nothing has sent nothing: it is not missing. */
  close(emit: EmitPair<HttpFrame>): void {
    const { request, response } = this.#sent;
    delete this.#sent.request;
    delete this.#sent.response;
    const first = request ?? response;
    if (first === undefined) return;
    const asked = request ?? silent(first, this.#lost.request);
    const answered = response ?? silent(first, this.#lost.response);
    emit({ ...asked, startNs: Math.min(asked.startNs, answered.startNs) }, answered);
  }
}

/** The message of a side of which nothing was seen. */
function silent(other: Message<HttpFrame>, lost: boolean): Message<HttpFrame> {
  const { upgrade } = other.frame as WebSocketFrame;
  const count = lost ? undefined : 0;
  const frame: WebSocketFrame = {
    kind: 'websocket',
    upgrade,
    frames: count,
    messages: count,
    payloadBytes: count,
    closeCode: undefined,
  };
  return { ...other, frame, bytes: 0, holeBytes: 0, truncated: false };
}
