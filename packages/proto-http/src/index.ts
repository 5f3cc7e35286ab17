// SPDX-License-Identifier: Apache-2.0
export type {
  BodyFraming,
  HeaderField,
  HttpFrame,
  HttpMessageFrame,
  HttpRequestFrame,
  HttpResponseFrame,
} from './frames.js';
export { http } from './protocol.js';
export type { HttpAttributes, HttpOptions, RedactOptions } from './types.js';
