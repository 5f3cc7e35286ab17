// SPDX-License-Identifier: Apache-2.0
import type { Matching } from '../plugin/index.js';
import { ByKeyMatcher } from './by-key-matcher.js';
import { CustomMatcher } from './custom-matcher.js';
import type { EmitExchange, ExchangeMatcher, Lane } from './exchange-matcher.js';
import { InOrderMatcher } from './in-order-matcher.js';
import { OneWayMatcher } from './one-way-matcher.js';
import { TwoDialectMatcher } from './two-dialect-matcher.js';

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
  const { matching } = plugin;
  const timeoutMs = plugin.timeoutMs ?? defaultTimeoutMs;
  const inOrder = (oneWay?: (frame: unknown) => boolean): InOrderMatcher =>
    new InOrderMatcher(emit, requests, responses, midstream, timeoutMs, oneWay);
  switch (matching.mode) {
    case 'in-order':
      return inOrder(matching.oneWay?.bind(matching));
    case 'by-key':
      return new ByKeyMatcher(emit, matching, requests, responses, timeoutMs);
    case 'one-way':
      return new OneWayMatcher(emit);
    case 'custom': {
      const custom = new CustomMatcher(emit, matching.create());
      if (matching.inOrder === undefined) return custom;
      return new TwoDialectMatcher(inOrder(), custom, matching.inOrder.bind(matching));
    }
  }
}
