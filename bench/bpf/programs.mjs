// SPDX-License-Identifier: Apache-2.0
// The things whose cost is compared: nothing, the floor, the socket tracer. Each can be attached and detached at will.
import { join } from 'node:path';
import * as native from '@libtrace/native';
import { compileBpf, importKernelSide, output, root } from '../lib/build.mjs';

/**
 * @typedef {object} Subject
 * @property {string} name
 * @property {(pid: number) => Promise<void>} attach with a process as target
 * @property {() => Promise<void>} detach
 * @property {() => { runs: number, ns: number }} runTime of all its programs since they were loaded
 * @property {() => { delivered: number, lost: number }} events since it was loaded
 * @property {() => void} close
 */

const ring = 8 << 20;

/** Empties a ring without looking at it. */
function drain(map) {
  const reader = new native.EventReader({ maps: [map], onBatch: () => undefined });
  reader.start();
  return reader;
}

/** @param {Iterable<import('@libtrace/native').BpfProgram>} programs */
function runTimeOf(programs) {
  let runs = 0;
  let ns = 0;
  for (const program of programs) {
    if (!program.loaded) continue;
    const info = program.info();
    runs += Number(info.runCount);
    ns += Number(info.runTimeNs);
  }
  return { runs, ns };
}

/** No program at all. @returns {Subject} */
export function untraced() {
  return {
    name: 'untraced',
    attach: async () => undefined,
    detach: async () => undefined,
    runTime: () => ({ runs: 0, ns: 0 }),
    events: () => ({ delivered: 0, lost: 0 }),
    close: () => undefined,
  };
}

/**
 * A program of a BPF object of bench/bpf on sys_exit, with maps `target_pids` and `events`.
 * @param {string} file @param {string} programName @returns {Subject}
 */
export function exitProgram(file, programName, name = programName) {
  const object = native.BpfObject.open(
    compileBpf(join(root, 'bench/bpf', file), join(output, file.replace(/\.c$/, '.o'))),
  );
  object.load();
  const program = object.program(programName);
  let link, reader;
  let delivered = 0;
  return {
    name,
    async attach(pid) {
      const key = Buffer.alloc(4);
      key.writeUInt32LE(pid);
      const targets = object.map('target_pids');
      for (const old of [...targets.keys()]) targets.delete(old);
      targets.update(key, Buffer.from([1]));
      reader = drain(object.map('events'));
      link = program.attachRawTracepoint('sys_exit');
    },
    async detach() {
      link.detach();
      await reader.stop();
      delivered += Number(reader.stats().records);
    },
    runTime: () => runTimeOf([program]),
    events: () => ({ delivered, lost: Number(object.readVariable('lost').readBigUInt64LE()) }),
    close: () => object.close(),
  };
}

/**
 * The socket tracer with a reader that throws the events away: the kernel's part of the cost.
 * @param {{ objectFolder?: string, options?: object, name?: string }} [how] @returns {Promise<Subject>}
 */
export async function socketTracer({ objectFolder, options = {}, name = 'libtrace' } = {}) {
  const { SocketTracer } = await importKernelSide(objectFolder);
  /** @type {any} */
  let tracer;
  let reader;
  let before = { runs: 0, ns: 0, delivered: 0, lost: 0 };
  const now = () => {
    const counters = tracer?.counters() ?? {};
    const programs = tracer?.report().programs ?? [];
    return {
      runs: before.runs + programs.reduce((sum, p) => sum + p.runCount, 0),
      ns: before.ns + programs.reduce((sum, p) => sum + p.runTimeNs, 0),
      delivered: before.delivered + (counters.segmentsDelivered ?? 0),
      lost: before.lost + (counters.segmentsSeen ?? 0) - (counters.segmentsDelivered ?? 0),
    };
  };
  return {
    name,
    async attach(pid) {
      // The target is given at load: loaded anew for every run.
      tracer = SocketTracer.load(native, {
        target: { pids: [pid] },
        ringBytes: ring,
        captureBytes: 65_536,
        maxConnections: 16_384,
        wantUdp: false,
        ...options,
      });
      reader = drain(tracer.events);
      tracer.attach();
    },
    async detach() {
      tracer.detach();
      await reader.stop();
      before = now();
      tracer.close();
      tracer = undefined;
    },
    runTime: () => now(),
    events: () => now(),
    close: () => undefined,
  };
}
