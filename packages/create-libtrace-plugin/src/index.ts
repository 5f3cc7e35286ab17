// SPDX-License-Identifier: Apache-2.0
export { createCommand } from './command.js';
export type { CommandOutput } from './command.js';
export { CreatePluginError } from './create-plugin-error.js';
export type { CreatePluginErrorCode } from './create-plugin-error.js';
export { createPlugin } from './create-plugin.js';
export type { CreatedPlugin, CreatePluginOptions } from './create-plugin.js';
