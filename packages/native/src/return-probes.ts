import { addon } from './addon.js';

/**
 * How the kernel notices that a probed function returns. `trap`: by a breakpoint. `call`: by a system call (x86-64, 6.11)
 * that seccomp filters do not see. `filtered-call`: by a system call that they do see, so that a probed program under a
 * filter that does not know the call is killed: systemd issue 34615; cured in 6.14 (commit cf6cb56ef244) and its backports.
 */
export type ReturnProbes = 'trap' | 'call' | 'filtered-call';

let known: ReturnProbes | undefined;

/** Found by trying, once: a child process makes the call, first as it is, then under a filter of its own. */
export function returnProbes(): ReturnProbes {
  known ??= addon().returnProbes() as ReturnProbes;
  return known;
}

let multi: boolean | undefined;

/** Whether one link can hold many uprobes (kernel 6.6): see {@link BpfProgram.attachUprobeMulti}. Found by trying, once. */
export function supportsUprobeMulti(): boolean {
  multi ??= addon().uprobeMulti() === 1;
  return multi;
}
