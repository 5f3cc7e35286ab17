// SPDX-License-Identifier: Apache-2.0
export { memcached, memcached as default } from './protocol.js';
export type { MemcachedFrame, MemcachedRequest, MemcachedResponse } from './frames.js';
export type { MemcachedAttributes } from './types.js';
