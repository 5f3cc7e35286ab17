// SPDX-License-Identifier: Apache-2.0
// The programs of @libtrace/uprobe-openssl, as the kernel takes them.
import { BpfObject } from '@libtrace/native';
import { openssl } from '@libtrace/uprobe-openssl';
import { expect, onTestFinished } from 'vitest';
import { live } from './harness/requirements.js';

/** The object with every filter in use: what none asks for, the verifier takes out. */
function opened(): BpfObject {
  const object = BpfObject.open(openssl().bpf.url);
  onTestFinished(() => object.close());
  for (const name of ['filter_pids', 'filter_comms']) object.setVariable(name, 1);
  object.setVariable('filter_cgroups', 8);
  return object;
}

live('every program of the OpenSSL source loads, and is small', [], () => {
  const { programs } = opened().load({ verifierStats: true });
  expect(programs.length).toBeGreaterThanOrEqual(13);
  for (const program of programs) {
    expect(program.error?.message, program.name).toBeUndefined();
    expect(program, program.name).toMatchObject({ loaded: true });
    expect(program.instructions, program.name).toBeGreaterThan(100);
    expect(program.instructions, program.name).toBeLessThan(4_096);
    expect(program.processed, program.name).toBeLessThan(50_000);
  }
});
