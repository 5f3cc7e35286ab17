// SPDX-License-Identifier: Apache-2.0
export { go, go as default } from './plugin.js';
