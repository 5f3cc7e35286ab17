// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { missingOf } from './missing.js';
import { TimedMessage } from './timed-message.js';

const process = { pid: 1, ppid: 0, comm: '', exe: '', cgroup: '' };
const message = (holeBytes = 0, truncated = false): TimedMessage =>
  new TimedMessage({}, 0, 0, 0, 9, holeBytes, truncated, 0, process, 1);

describe('missingOf', () => {
  it('is empty for whole messages', () => {
    expect(missingOf(message(), message(), 'none', false, undefined)).toEqual([]);
  });

  it('names each message that is not there', () => {
    expect(missingOf(message(), undefined, 'unanswered', false, [])).toEqual(['response']);
    expect(missingOf(message(), undefined, 'lost', false, [])).toEqual(['response']);
    expect(missingOf(message(), undefined, 'fragment', false, [])).toEqual(['response.head']);
    expect(missingOf(undefined, message(), 'none', false, [])).toEqual(['request']);
  });

  it('names bodies with holes, and cut ones', () => {
    expect(missingOf(message(1), message(0, true), 'none', false, [])).toEqual([
      'request.body',
      'response.body',
    ]);
    expect(missingOf(message(0, true), message(1), 'none', false, [])).toEqual([
      'request.body',
      'response.body',
    ]);
  });

  it('misses nothing of what has no other half', () => {
    expect(missingOf(message(), undefined, 'none', true, undefined)).toEqual([]);
    expect(missingOf(undefined, message(), 'none', true, undefined)).toEqual([]);
  });

  it('adds what the plugin says, once', () => {
    expect(
      missingOf(message(1), message(), 'none', false, ['request.body', 'response.size']),
    ).toEqual(['request.body', 'response.size']);
    expect(missingOf(message(), message(), 'none', false, ['response.size'])).toEqual([
      'response.size',
    ]);
  });
});
