// SPDX-License-Identifier: Apache-2.0
import type { BinaryStatus } from '../tracer/types.js';
import { BoundedMap } from './bounded-map.js';

const FAILURES_KEPT = 256;

/** Files that a source wanted and that could not be probed, each said once; those of the longest ago are forgotten. */
export class Failures {
  readonly #failures = new BoundedMap<string, () => BinaryStatus>(FAILURES_KEPT);

  /** `processes`: asked at each report. */
  add(path: string, source: string, reason: string, processes: () => number = () => 0): void {
    const status = {
      path,
      source,
      summary: '',
      details: [],
      attached: false,
      probes: [],
      reason,
      ...(remedyOf(reason) === undefined ? {} : { remedy: remedyOf(reason)! }),
    };
    this.#failures.set(`${source}\0${path}`, () => ({ ...status, processes: processes() }));
  }

  /** It went well after all. */
  delete(path: string, source: string): void {
    this.#failures.delete(`${source}\0${path}`);
  }

  report(): readonly BinaryStatus[] {
    return [...this.#failures.values()].map((status) => status());
  }

  clear(): void {
    this.#failures.clear();
  }
}

/** Whether the limit of open files was reached. */
export function lacksDescriptors(reason: string): boolean {
  return /\b(?:EMFILE|ENFILE)\b|too many open files/i.test(reason);
}

/** What to do about a file that could not be probed, where the reason tells. */
export function remedyOf(reason: string): string | undefined {
  if (lacksDescriptors(reason)) {
    return 'a probed file takes some 50 descriptors: raise the hard limit (ulimit -Hn, LimitNOFILE= of a service), or trace fewer programs';
  }
  return reason.endsWith('permission denied')
    ? 'run as root; looking into other users’ processes takes CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH'
    : undefined;
}
