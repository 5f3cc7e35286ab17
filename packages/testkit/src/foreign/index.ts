// SPDX-License-Identifier: Apache-2.0
import { brokers } from './brokers.js';
import { databases } from './databases.js';
import type { ForeignConversation } from './foreign-conversation.js';
import { infrastructure } from './infrastructure.js';
import { rpc } from './rpc.js';
import { textProtocols } from './text-protocols.js';

export type { ForeignConversation } from './foreign-conversation.js';

/**
 * How conversations of other protocols begin, both ways, written from their documents: what no plugin may take for its
 * own. Some are of no protocol at all: noise, zeros, prose.
 */
export const foreignConversations: readonly ForeignConversation[] = [
  ...textProtocols,
  ...databases,
  ...brokers,
  ...rpc,
  ...infrastructure,
];

/**
 * One of {@link foreignConversations} by name.
 * @throws RangeError when there is none of that name.
 */
export function foreignConversation(name: string): ForeignConversation {
  const found = foreignConversations.find((each) => each.name === name);
  if (found !== undefined) return found;
  const names = foreignConversations.map((each) => each.name).join(', ');
  throw new RangeError(`there is no foreign conversation ${name}; there are: ${names}`);
}
