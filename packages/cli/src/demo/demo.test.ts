// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import type { Dependencies } from '../dependencies.js';
import { demoClientFile, demoServerFile } from '../package-files.js';
import { sampleRecord } from '../testing/sample-records.js';
import { compareCalls } from './compare-calls.js';
import { DemoChild } from './demo-children.js';

const deps = { env: process.env, spawn } as unknown as Dependencies;
const call = { method: 'GET', path: '/products/3', status: 200 };

describe('the programs of the demo', () => {
  it('make the calls they report', async () => {
    const server = new DemoChild(demoServerFile, 'server', deps);
    const client = new DemoChild(demoClientFile, 'client', deps);
    try {
      const [{ port }] = await Promise.all([server.next('ready'), client.next('ready')]);
      client.send({ port });
      const { calls } = await client.next('done');
      expect(calls).toHaveLength(42);
      const statuses = new Set(calls.map(({ status }) => status));
      expect([...statuses].sort()).toEqual([200, 201, 204, 404, 500]);
      expect(new Set(calls.map(({ method }) => method))).toEqual(
        new Set(['GET', 'POST', 'PUT', 'HEAD', 'DELETE']),
      );
    } finally {
      await Promise.all([server.end(), client.end()]);
    }
  });

  it('say why they ended', async () => {
    const child = new DemoChild('/no/such/program.mjs', 'server', {
      ...deps,
      spawn: ((file: string, args: string[]) =>
        spawn(file, args, { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })) as typeof spawn,
    });
    await expect(child.next('ready')).rejects.toThrow('The server of the demo ended early.');
    await child.end();
  });
});

describe('compareCalls', () => {
  it('counts each record once', () => {
    expect(compareCalls([call, call], [sampleRecord(), sampleRecord()])).toEqual({
      matching: 2,
      differences: [],
    });
  });

  it('names what differs', () => {
    const other = sampleRecord({ attributes: { 'http.request.method': 'PUT' } });
    const cut = sampleRecord({ missing: ['response'] });
    const { matching, differences } = compareCalls(
      [call, call, { method: 'POST', path: '/cart', status: 201 }],
      [sampleRecord(), other, cut],
    );
    expect(matching).toBe(1);
    expect(differences).toEqual([
      'seen but not made: PUT ? ?',
      'incomplete: GET /products/3 200 (response)',
      'made but not seen: POST /cart 201',
    ]);
  });
});
