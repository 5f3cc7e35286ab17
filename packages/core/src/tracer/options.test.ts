// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { defineProtocol } from '../plugin/index.js';
import { createTracer } from './create-tracer.js';
import { resolveOptions } from './options.js';

const plugin = defineProtocol({
  kind: 'protocol',
  apiVersion: 1,
  name: 'toy',
  transports: ['tcp'],
  inference: { rules: [{ says: 'request', when: { kind: 'bytes', at: 0, anyOf: ['?'] } }] },
  matching: { mode: 'in-order' },
  createParser: () => ({ parse: () => ({ status: 'more' }), resync: () => -1 }),
  toRecord: () => ({ operation: 'ask', status: 'ok', attributes: { 'toy.word': 'x' } }),
});
const target = { pids: [process.pid] };

describe('resolveOptions', () => {
  it('fills in the defaults', () => {
    expect(resolveOptions({ plugins: [plugin], target })).toMatchObject({
      ringBytes: 8 * 1024 * 1024,
      captureBytes: 65_536,
      maxConnections: 16_384,
      maxQueuedRecords: 65_536,
    });
  });

  it('captures as much as the plugin that wants most', () => {
    const plugins = [
      { ...plugin, captureBytes: 100 },
      { ...plugin, name: 'other', captureBytes: 4_000 },
    ];
    expect(resolveOptions({ plugins, target }).captureBytes).toBe(4_000);
  });

  it.each([
    [{ target: undefined }, 'ERR_TARGET_MISSING'],
    [{ target: { all: true, pids: [1] } }, 'ERR_OPTION_INVALID'],
    [{ target: { pids: [0] } }, 'ERR_OPTION_INVALID'],
    [{ target: { pids: 7 } }, 'ERR_OPTION_INVALID'],
    [{ target: { ports: [65_536] } }, 'ERR_OPTION_INVALID'],
    [{ target: { comms: ['sixteen-letters!'] } }, 'ERR_OPTION_INVALID'],
    [{ target: { cgroups: ['relative'] } }, 'ERR_OPTION_INVALID'],
    [{ ringBytes: 5_000 }, 'ERR_OPTION_INVALID'],
    [{ captureBytes: 140_000 }, 'ERR_OPTION_INVALID'],
    [{ maxBufferedBytes: 2 ** 29 }, 'ERR_OPTION_INVALID'],
    [{ recording: {} }, 'ERR_OPTION_INVALID'],
    [{ recording: { to: '' } }, 'ERR_OPTION_INVALID'],
    [{ recording: { to: { write: 7 } } }, 'ERR_OPTION_INVALID'],
    [{ recording: { to: 'x', maxQueuedBytes: 5 } }, 'ERR_OPTION_INVALID'],
    [{ plugins: 'http' }, 'ERR_OPTION_INVALID'],
    [{ plugins: [plugin, plugin] }, 'ERR_PLUGIN_DUPLICATE'],
  ])('refuses %j with a code and a remedy', (wrong, code) => {
    const options = { plugins: [plugin], target, ...wrong } as never;
    expect(() => createTracer(options)).toThrow(
      expect.objectContaining({ code, phase: 'validate', remedy: expect.any(String) as string }),
    );
  });
});

describe('a tracer that was not loaded', () => {
  it('says in which state it is', async () => {
    const tracer = createTracer({ plugins: [plugin], target });
    expect(tracer.state).toBe('created');
    expect(() => tracer.report()).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
    await expect(tracer.detach()).rejects.toMatchObject({ code: 'ERR_STATE' });
    expect(tracer.stats().kernel.segmentsSeen).toBe(0);
    await tracer.close();
    await tracer.close();
    expect(tracer.state).toBe('closed');
    await expect(tracer.attach()).rejects.toMatchObject({ code: 'ERR_STATE' });
    for await (const record of tracer) expect.unreachable(record.protocol);
  });

  it('types its records by its plugins', async () => {
    await using tracer = createTracer({ plugins: [plugin], target });
    tracer.on('record', (record) => {
      record.protocol satisfies 'toy';
      record.attributes['toy.word'] satisfies string;
      // @ts-expect-error no plugin has this attribute
      record.attributes['http.request.method'] satisfies unknown;
      // @ts-expect-error no plugin has this name
      record.protocol satisfies 'http';
    });
    expect(tracer.state).toBe('created');
  });
});
