// SPDX-License-Identifier: Apache-2.0
import type { AnyPlugin, AnyProtocol } from './protocol.js';
import type { UprobePlugin } from './uprobe.js';

/** The protocols among plugins, in their order. */
export function protocolsOf(plugins: readonly AnyPlugin[]): readonly AnyProtocol[] {
  return plugins.filter((plugin): plugin is AnyProtocol => plugin.kind === 'protocol');
}

/** The sources of plaintext among plugins, in their order. */
export function uprobesOf(plugins: readonly AnyPlugin[]): readonly UprobePlugin[] {
  return plugins.filter((plugin): plugin is UprobePlugin => plugin.kind === 'uprobe');
}
