// SPDX-License-Identifier: Apache-2.0
export { openssl, openssl as default, type OpensslOptions } from './plugin.js';
