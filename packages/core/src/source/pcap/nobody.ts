// SPDX-License-Identifier: Apache-2.0
import type { ProcessIdentity } from '../../model/index.js';

/** A capture does not say whose packets it holds. */
export const nobody: ProcessIdentity = { pid: 0, ppid: 0, comm: '', exe: '', cgroup: '' };
