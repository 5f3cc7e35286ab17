// SPDX-License-Identifier: Apache-2.0
import type { Inference } from '@libtrace/core/plugin';

/**
 * How the protocol is recognized. A `certain` rule (the default) settles a connection at once: what it looks for must be
 * this protocol's own. `+ ` and `- ` could be anything: they only count together with another message.
 */
export const inference: Inference = {
  rules: [
    { says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['ASK ', 'TELL '] } },
    {
      says: 'response',
      when: { kind: 'bytes', at: 0, anyOf: ['+ ', '- '] },
      strength: 'likely',
    },
  ],
};
