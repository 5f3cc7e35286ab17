// SPDX-License-Identifier: Apache-2.0
import type { PluginFactory } from '@libtrace/core/plugin';
import { mysql } from './protocol.js';

export { mysql } from './protocol.js';
export type { MysqlAttributes, MysqlOptions } from './types.js';
export type { MysqlFrame, MysqlRequestFrame, MysqlResponseFrame } from './frames.js';

/** The factory, for `libtrace --plugin` and everybody else who takes a default export. */
export default mysql satisfies PluginFactory;
