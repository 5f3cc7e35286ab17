// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { make, replay, sample, testWriter } from './recorded-calls.test-support.js';

describe('a slow or broken disk', () => {
  it('makes the writer drop segments, count them, and say so in the file', async () => {
    const { writer, sink } = testWriter({ maxQueuedBytes: 5000 });
    let open = (): void => undefined;
    sink.gate = new Promise((resolve) => (open = resolve));
    const segment = sample[1]!;
    make(sample[0]!, writer);
    for (let i = 0; i < 1000; i++) make(segment, writer);
    writer.tick(5);
    const { segments, droppedSegments, droppedBytes, connections } = writer.stats();
    expect(segments).toBeGreaterThan(20);
    expect(segments).toBeLessThan(80);
    expect(droppedSegments).toBe(1000 - segments);
    expect(droppedBytes).toBe(5 * droppedSegments);
    expect(connections).toBe(1);
    open();
    await new Promise((resolve) => setTimeout(resolve, 10));
    make(segment, writer);
    await writer.complete();
    const { summary, calls, failure } = replay(sink.bytes);
    expect(failure).toBeUndefined();
    expect(summary).toMatchObject({ droppedSegments, droppedBytes, segments: segments + 1 });
    expect(calls.filter(([name]) => name === 'segment')).toHaveLength(segments + 1);
    expect(calls.filter(([name]) => name === 'tick')).toHaveLength(1);
  });

  it('keeps a bounded queue whatever comes', () => {
    const { writer, sink } = testWriter({ maxQueuedBytes: 5000 });
    sink.gate = new Promise(() => undefined);
    for (let i = 0; i < 100_000; i++) writer.tick(i);
    expect(writer.stats().droppedFrames).toBeGreaterThan(99_000);
  });

  it('is told once, and what comes later is counted as dropped', async () => {
    const errors: Error[] = [];
    const { writer, sink } = testWriter({ onError: (error) => errors.push(error) });
    sink.error = new Error('no space left');
    make(sample[1]!, writer);
    writer.tick(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    make(sample[1]!, writer);
    writer.tick(2);
    await writer.complete();
    expect(errors).toEqual([sink.error]);
    expect(writer.stats()).toMatchObject({ droppedSegments: 1, droppedFrames: 1, fileBytes: 0 });
  });
});
