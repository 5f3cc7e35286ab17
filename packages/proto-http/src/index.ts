// SPDX-License-Identifier: Apache-2.0
export type {
  BodyFraming,
  HeaderField,
  Http1Frame,
  HttpFrame,
  HttpMessageFrame,
  HttpRequestFrame,
  HttpResponseFrame,
} from './frames.js';
export type { GrpcBody, GrpcEnd } from './grpc/grpc-body.js';
export type {
  DataFrame,
  GoawayFrame,
  HeadersFrame,
  Http2Frame,
  ResetFrame,
  StreamEnd,
  StreamFrame,
  UpgradeRefusedFrame,
  UpgradeRequestFrame,
} from './http2/frames.js';
export type { HeaderList } from './http2/header-list.js';
export { http, http as default } from './protocol.js';
export type { HttpAttributes, HttpOptions, RedactOptions } from './types.js';
export type { WebSocketFrame } from './websocket/frames.js';
