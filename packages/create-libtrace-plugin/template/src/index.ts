// SPDX-License-Identifier: Apache-2.0
export { __FACTORY__, __FACTORY__ as default } from './protocol.js';
export type { __TYPE__Frame } from './frames.js';
export type { __TYPE__Attributes, __TYPE__Options } from './types.js';
