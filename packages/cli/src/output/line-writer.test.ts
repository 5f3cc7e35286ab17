// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemorySink } from '../testing/fake-tracer.js';
import { isOutputStuck, openFileSink } from './byte-sink.js';
import { LineWriter } from './line-writer.js';

function unexpected(error: Error): never {
  throw error;
}

describe('LineWriter', () => {
  it('writes a burst in few calls and in order', async () => {
    const sink = new MemorySink();
    const writer = new LineWriter(sink, unexpected);
    const lines = Array.from({ length: 10_000 }, (_, index) => `line ${index}\n`);
    for (const line of lines) {
      if (writer.accepts()) writer.push(line);
    }
    await writer.drain();
    expect(sink.text).toBe(lines.join(''));
    expect(sink.writes).toBe(1);
    expect(writer.dropped).toBe(0);
  });

  it('keeps a bounded queue when the reader is slow, and counts what is dropped', async () => {
    const sink = new MemorySink();
    let open = (): void => undefined;
    sink.gate = new Promise((resolve) => (open = resolve));
    const writer = new LineWriter(sink, unexpected, 100);
    let accepted = 0;
    for (let index = 0; index < 50; index++) {
      if (!writer.accepts()) continue;
      accepted += 1;
      writer.push('0123456789');
    }
    expect(accepted).toBe(10);
    expect(writer.dropped).toBe(40);
    open();
    await writer.drain();
    expect(sink.text).toHaveLength(100);
    expect(writer.accepts()).toBe(true);
  });

  it('reports the first error once and takes no more lines', async () => {
    const sink = new MemorySink();
    sink.error = Object.assign(new Error('closed'), { code: 'EPIPE' });
    const errors: Error[] = [];
    const writer = new LineWriter(sink, (error) => errors.push(error));
    writer.push('one\n');
    await writer.drain();
    writer.push('two\n');
    await writer.drain();
    expect(errors).toEqual([sink.error]);
    expect(writer.accepts()).toBe(false);
    expect(writer.dropped).toBe(0);
    expect(sink.writes).toBe(1);
  });
});

describe('openFileSink', () => {
  it('creates the file and writes all of a large text', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'libtrace-cli-'));
    try {
      const path = join(folder, 'records.jsonl');
      const sink = await openFileSink(path);
      const text = 'ü'.repeat(2_000_000);
      await sink.write(text);
      await sink.close();
      expect(readFileSync(path, 'utf8')).toBe(text);
      expect(isOutputStuck()).toBe(false);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('rejects with the reason of the system', async () => {
    await expect(openFileSink('/no/such/folder/file')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
