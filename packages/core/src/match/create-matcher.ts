// SPDX-License-Identifier: Apache-2.0
import type { Matching } from '../plugin/index.js';
import { ByKeyMatcher } from './by-key-matcher.js';
import { CustomMatcher } from './custom-matcher.js';
import type { EmitExchange, ExchangeMatcher, Lane } from './exchange-matcher.js';
import { InOrderMatcher } from './in-order-matcher.js';
import { OneWayMatcher } from './one-way-matcher.js';

/** `timeoutMs` of a plugin that names none. */
const defaultTimeoutMs = 30_000;

/** The matcher that a plugin declares, for one connection. */
export function createMatcher(
  plugin: { readonly matching: Matching<unknown>; readonly timeoutMs?: number | undefined },
  emit: EmitExchange,
  requests: Lane,
  responses: Lane,
  midstream: boolean,
): ExchangeMatcher {
  const timeoutMs = plugin.timeoutMs ?? defaultTimeoutMs;
  switch (plugin.matching.mode) {
    case 'in-order':
      return new InOrderMatcher(emit, requests, responses, midstream, timeoutMs);
    case 'by-key':
      return new ByKeyMatcher(emit, plugin.matching, responses, timeoutMs);
    case 'one-way':
      return new OneWayMatcher(emit);
    case 'custom':
      return new CustomMatcher(emit, plugin.matching.create());
  }
}
