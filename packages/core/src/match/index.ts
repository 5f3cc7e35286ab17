// SPDX-License-Identifier: Apache-2.0
export { createMatcher } from './create-matcher.js';
export { deferAboveTlsNs, deferNs } from './exchange-matcher.js';
export type { Absence, EmitExchange, ExchangeMatcher, Lane } from './exchange-matcher.js';
export { ExchangeRecord, formatWallClock } from './exchange-record.js';
export { missingOf } from './missing.js';
export { TimedMessage } from './timed-message.js';
