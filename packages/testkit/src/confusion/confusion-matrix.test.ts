// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { foreignConversation, foreignConversations } from '../foreign/index.js';
import { toy, toyFixtures } from '../toy-protocol.test-support.js';
import { confusionMatrix, formatConfusionMatrix } from './confusion-matrix.js';

describe('confusionMatrix', () => {
  const rows = [
    { protocol: 'toy', label: 'toy', fixtures: toyFixtures },
    { protocol: undefined, label: 'none', fixtures: [foreignConversation('amqp')] },
  ];

  it('is diagonal for a plugin that knows its own', () => {
    const matrix = confusionMatrix([() => toy()], rows);
    expect(matrix.mistakes).toEqual([]);
    expect(formatConfusionMatrix(matrix)).toBe(
      'conversations of  count  toy\n' +
        'toy               3      3/3/3\n' +
        'none              3      ·',
    );
  });

  it('names what a plugin takes that is not its own', () => {
    const inference = {
      rules: [{ says: 'request' as const, when: { kind: 'bytes' as const, at: 0, anyOf: ['A'] } }],
    };
    const { mistakes } = confusionMatrix([() => toy({ plugin: { inference } })], rows);
    expect(mistakes).toContain('none amqp (role server): toy takes it, alone');
    expect(mistakes).toContain('none amqp (role server): toy takes it, with the others installed');
  });

  it('names what a plugin does not recognize', () => {
    const { mistakes } = confusionMatrix([() => toy()], [{ ...rows[1]!, protocol: 'toy' }]);
    expect(mistakes).toContain('none amqp (role client): toy does not recognize it');
  });
});

describe('foreignConversations', () => {
  it('has messages of both sides and one name each', () => {
    const names = foreignConversations.map((each) => each.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(50);
    for (const { steps, name } of foreignConversations) {
      if (['syslog', 'graphite', 'csv'].includes(name)) continue;
      expect(new Set(steps.map((step) => step.from)).size, name).toBe(2);
    }
    expect(() => foreignConversation('nonsense')).toThrow(/there is no foreign conversation/);
  });
});
