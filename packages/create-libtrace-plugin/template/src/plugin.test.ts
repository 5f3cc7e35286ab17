// SPDX-License-Identifier: Apache-2.0
import { conversation, expectRecords, runFixture } from '@libtrace/testkit';
import { describe, it } from 'vitest';
import { __FACTORY__ } from './index.js';

describe('__PLUGIN__', () => {
  it('reports what was asked and how it went', () => {
    const records = runFixture(
      __FACTORY__(),
      conversation([
        ['client', 'ASK weather\n'],
        ['server', '+ sunny\n'],
        ['client', 'TELL name anna\n'],
        ['server', '- no such topic\n'],
      ]),
    );
    expectRecords(records).toEqual([
      {
        operation: 'ASK',
        status: 'ok',
        attributes: {
          'libtrace.__ATTRIBUTE__.topic': 'weather',
          'libtrace.__ATTRIBUTE__.answer': undefined,
        },
      },
      {
        operation: 'TELL',
        status: 'client-error',
        attributes: { 'error.message': 'no such topic' },
      },
    ]);
  });

  it('shows values when it is asked to', () => {
    const records = runFixture(
      __FACTORY__({ showValues: true }),
      conversation([
        ['client', 'ASK weather\n'],
        ['server', '+ sunny\n'],
      ]),
    );
    expectRecords(records).toContain({
      attributes: { 'libtrace.__ATTRIBUTE__.answer': 'sunny' },
    });
  });
});
