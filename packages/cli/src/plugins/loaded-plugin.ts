// SPDX-License-Identifier: Apache-2.0
import type { AnyPlugin, AnyProtocol, UprobePlugin } from '@libtrace/core';

/** A plugin with where it comes from. */
export interface LoadedPlugin<Plugin extends AnyPlugin = AnyPlugin> {
  /** What its factory made. */
  readonly plugin: Plugin;
  /** Name of its package, or the path that it was loaded from. */
  readonly from: string;
  /** Version of its package; undefined when it has none. */
  readonly version: string | undefined;
  /** It came with the command, not by --plugin. */
  readonly isBuiltin: boolean;
}

/** A protocol with where it comes from. */
export type LoadedProtocol = LoadedPlugin<AnyProtocol>;

/** A source of plaintext with where it comes from. */
export type LoadedSource = LoadedPlugin<UprobePlugin>;

/** Tells the two kinds apart. */
export function isSource(loaded: LoadedPlugin): loaded is LoadedSource {
  return loaded.plugin.kind === 'uprobe';
}
