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
 * @property {() => { runs: number, ns: number, delivered: number, lost: number }} totals so far: runs and time of its
 *   programs where run-time statistics are on, events handed over, events lost
 * @property {() => void} close
 */

const ring = 8 << 20;

/** Empties a ring without looking at it. */
function drain(map) {
  const reader = new native.EventReader({ maps: [map], onBatch: () => undefined });
  reader.start();
  return reader;
}

/** No program at all. @returns {Subject} */
export function untraced() {
  return {
    name: 'untraced',
    attach: async () => undefined,
    detach: async () => undefined,
    totals: () => ({ runs: 0, ns: 0, delivered: 0, lost: 0 }),
    close: () => undefined,
  };
}

/**
 * A program of bench/bpf/floor.bpf.c.
 * @param {string} name @param {string} programName @param {readonly string[]} events the tracepoints it is attached to
 * @returns {Subject}
 */
function simpleProgram(name, programName, events) {
  const object = native.BpfObject.open(
    compileBpf(join(root, 'bench/bpf/floor.bpf.c'), join(output, 'floor.bpf.o')),
  );
  object.map('scratches').resize(native.possibleCpus());
  object.load();
  const program = object.program(programName);
  let links, reader;
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
      links = events.map((event) => program.attachRawTracepoint(event));
    },
    async detach() {
      for (const link of links) link.detach();
      await reader.stop();
      delivered += Number(reader.stats().records);
    },
    totals() {
      const { runCount, runTimeNs } = program.info();
      const lost = Number(object.readVariable('lost').readBigUInt64LE());
      return { runs: Number(runCount), ns: Number(runTimeNs), delivered, lost };
    },
    close: () => object.close(),
  };
}

/** The least that hands the same bytes over. */
export const floor = () => simpleProgram('floor', 'floor_exit', ['sys_exit']);

/** What the mechanism costs: a program that does nothing, at the return of every system call. */
export const emptyOnExit = () => simpleProgram('empty on sys_exit', 'nothing', ['sys_exit']);

/** The same at the entry, too, as the socket tracer is attached. */
export const emptyOnBoth = () =>
  simpleProgram('empty on sys_enter and sys_exit', 'nothing', ['sys_enter', 'sys_exit']);

/**
 * The socket tracer with a reader that throws the events away: the kernel's part of the cost.
 * @param {{ objectFolder?: string, options?: object, name?: string }} [how] @returns {Promise<Subject>}
 */
export async function socketTracer({ objectFolder, options = {}, name = 'libtrace' } = {}) {
  const { SocketTracer } = await importKernelSide(objectFolder);
  const totals = { runs: 0, ns: 0, delivered: 0, lost: 0 };
  let tracer, reader;
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
      const { segmentsSeen, segmentsDelivered } = tracer.counters();
      for (const { runCount, runTimeNs } of tracer.report().programs) {
        totals.runs += runCount;
        totals.ns += runTimeNs;
      }
      totals.delivered += segmentsDelivered;
      totals.lost += segmentsSeen - segmentsDelivered;
      tracer.close();
    },
    totals: () => ({ ...totals }),
    close: () => undefined,
  };
}
