// SPDX-License-Identifier: Apache-2.0
export { toytls, toytls as default } from './plugin.js';
