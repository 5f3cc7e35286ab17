// SPDX-License-Identifier: Apache-2.0
import { ByteView } from '@libtrace/core/plugin';
import { describe, expect, it } from 'vitest';
import { batch, legacyMessage } from './messages.test-support.js';
import { RecordCounter } from './record-counter.js';

const CONTROL = 0x20;
const GZIP = 1;

/** Counts a field that arrives in pieces; a hole may follow a piece. */
function count(
  length: number,
  ...arrivals: readonly { readonly bytes: Buffer; readonly hole?: number }[]
): RecordCounter {
  const counter = new RecordCounter();
  const view = new ByteView();
  counter.begin(length);
  let kept = Buffer.alloc(0);
  let owed = 0;
  for (const { bytes, hole = 0 } of arrivals) {
    kept = Buffer.concat([kept, bytes]);
    const over = Math.min(owed, kept.length);
    kept = kept.subarray(over);
    owed -= over;
    if (owed > hole) {
      owed -= hole;
      continue;
    }
    view.reset(kept, 0, kept.length, hole - owed, false, 0);
    owed = 0;
    const at = counter.read(view, 0);
    owed = Math.max(0, at - kept.length - hole);
    kept = kept.subarray(Math.min(at, kept.length));
  }
  return counter;
}
const whole = (bytes: Buffer): RecordCounter => count(bytes.length, { bytes });

describe('records', () => {
  it('are counted by the headers of their batches, compressed or not', () => {
    const counter = whole(Buffer.concat([batch(3), batch(10_000, 5, GZIP), batch(1)]));
    expect(counter).toMatchObject({ records: 10_004, known: true, left: 0 });
    expect(counter.bytes).toBe(3 * 61 + 30 + 5 + 30);
  });

  it('do not include the markers that end transactions', () => {
    expect(whole(Buffer.concat([batch(3), batch(1, 6, CONTROL)])).records).toBe(3);
  });

  it('of the old formats are counted one by one', () => {
    const bytes = Buffer.concat([
      legacyMessage(0, 'a'),
      legacyMessage(1, 'b'),
      legacyMessage(1, ''),
    ]);
    expect(whole(bytes)).toMatchObject({ records: 3, known: true });
  });

  it('of the old formats that are compressed together are not known', () => {
    const bytes = Buffer.concat([legacyMessage(1, 'a'), legacyMessage(1, 'zip', GZIP)]);
    expect(whole(bytes).known).toBe(false);
  });

  it('of a batch that the broker cut off are not counted', () => {
    const bytes = Buffer.concat([batch(3), batch(4)]);
    for (let length = batch(3).length; length < bytes.length; length++) {
      expect(whole(bytes.subarray(0, length))).toMatchObject({ records: 3, known: true, left: 0 });
    }
  });

  it('are the same wherever the bytes are cut', () => {
    const bytes = Buffer.concat([batch(3), legacyMessage(0, 'value'), batch(4, 100)]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const pieces = [{ bytes: bytes.subarray(0, cut) }, { bytes: bytes.subarray(cut) }];
      expect(count(bytes.length, ...pieces)).toMatchObject({ records: 8, known: true, left: 0 });
    }
  });

  it('are known when only what is in batches lies in a hole', () => {
    const first = batch(3, 1000);
    const counter = count(
      first.length + batch(4).length,
      { bytes: first.subarray(0, 100), hole: first.length - 100 },
      { bytes: batch(4) },
    );
    expect(counter).toMatchObject({ records: 7, known: true, left: 0 });
  });

  it('are not known when the header of a batch lies in a hole', () => {
    const counter = count(500, { bytes: batch(3).subarray(0, 40), hole: 460 });
    expect(counter).toMatchObject({ known: false, left: 0, bytes: 500 });
  });

  it('are not known when there is something else', () => {
    for (const bytes of [
      Buffer.alloc(100, 0xff),
      Buffer.alloc(100),
      Buffer.concat([batch(2), Buffer.alloc(40, 3)]),
    ]) {
      expect(whole(bytes)).toMatchObject({ known: false, left: 0 });
    }
    const negative = batch(-5);
    expect(whole(negative).known).toBe(false);
  });

  it('of nothing are none', () => {
    expect(whole(Buffer.alloc(0))).toMatchObject({ records: 0, known: true, left: 0 });
  });
});
