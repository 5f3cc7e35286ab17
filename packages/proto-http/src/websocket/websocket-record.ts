// SPDX-License-Identifier: Apache-2.0
import type { Exchange, Message, Missing, ProtocolResult } from '@libtrace/core/plugin';
import type { HttpFrame } from '../frames.js';
import { type Collected, type Status } from '../record-attributes.js';
import type { HttpAttributes } from '../types.js';
import type { WebSocketFrame } from './frames.js';

/** `operation` of the record of a WebSocket that has ended. */
export const WEBSOCKET_OPERATION = 'WEBSOCKET';

/** Codes that say that all went well (RFC 6455 §7.4.1): the purpose is fulfilled, or a side goes away. */
const normalCodes: ReadonlySet<number> = new Set([1000, 1001]);
/** Codes with which a side says that it failed itself, not the other. */
const ownFailures: ReadonlySet<number> = new Set([1011, 1012, 1013, 1014]);
/** Codes from here on are the application's. */
const FIRST_PRIVATE_CODE = 3000;

/** The record of a WebSocket that has ended. */
export function webSocketResult(
  attributes: Collected,
  exchange: Exchange<HttpFrame>,
): ProtocolResult<HttpAttributes> {
  const request = webSocketFrame(exchange.request);
  const response = webSocketFrame(exchange.response);
  setCounts(attributes, 'request', request);
  setCounts(attributes, 'response', response);
  const byClient =
    response?.closeCode === undefined ||
    (request?.closeCode !== undefined &&
      (exchange.request?.endNs ?? 0) <= (exchange.response?.endNs ?? 0));
  const code = byClient ? request?.closeCode : response.closeCode;
  if (code !== undefined) attributes['libtrace.websocket.close_code'] = code;
  const status = statusOf(code, byClient);
  const missing = [
    ...missingOf('request', exchange.request, request),
    ...missingOf('response', exchange.response, response),
  ];
  return { operation: WEBSOCKET_OPERATION, status, attributes, missing };
}

function webSocketFrame(message: Message<HttpFrame> | undefined): WebSocketFrame | undefined {
  return message?.frame.kind === 'websocket' ? message.frame : undefined;
}

function setCounts(
  attributes: Collected,
  side: 'request' | 'response',
  frame: WebSocketFrame | undefined,
): void {
  if (frame?.frames === undefined) return;
  attributes[`libtrace.websocket.${side}_frames`] = frame.frames;
  attributes[`libtrace.websocket.${side}_messages`] = frame.messages ?? 0;
  attributes[`libtrace.websocket.${side}_bytes`] = frame.payloadBytes ?? 0;
}

/** Without a code nothing is wrong; what the codes of applications mean is theirs to know. */
function statusOf(code: number | undefined, byClient: boolean): Status {
  if (code === undefined || normalCodes.has(code)) return 'ok';
  if (code >= FIRST_PRIVATE_CODE) return 'unknown';
  return ownFailures.has(code) === byClient ? 'client-error' : 'server-error';
}

function missingOf(
  side: 'request' | 'response',
  message: Message<HttpFrame> | undefined,
  frame: WebSocketFrame | undefined,
): Missing[] {
  if (message?.truncated !== true && frame?.frames !== undefined) return [];
  return [`${side}.body`];
}
