import { addon } from './addon.js';

let cpus: number | undefined;

/** How many CPUs the machine may ever have: the number of values in an entry of a per-CPU map. */
export function possibleCpus(): number {
  cpus ??= addon().possibleCpus();
  return cpus;
}

/** CLOCK_MONOTONIC now, in nanoseconds: the clock of `bpf_ktime_get_ns`. */
export function monotonicNs(): bigint {
  return addon().monotonicNs();
}

/**
 * Makes the kernel count runs and time of all BPF programs, until disposed of (kernel 5.8).
 * @throws BpfError `ERR_BPF_PERMISSION`, `ERR_BPF_NOT_SUPPORTED`
 */
export function enableRunTimeStats(): Disposable {
  let fd = addon().enableStats();
  return {
    [Symbol.dispose](): void {
      if (fd >= 0) addon().closeFd(fd);
      fd = -1;
    },
  };
}
