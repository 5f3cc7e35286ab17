// SPDX-License-Identifier: Apache-2.0

/** Options of the commands that read protocols, as commander hands them over. */
export interface PluginFlags {
  /** Names of the protocols to show; undefined: all. */
  readonly protocol?: readonly string[];
  /** Paths and package names of third parties' plugins. */
  readonly plugin?: readonly string[];
  /** Port to name of the protocol spoken there. */
  readonly decodeAs?: ReadonlyMap<number, string>;
  /** Show what is hidden by default, such as the literals of a statement. */
  readonly showValues?: boolean;
  /** Show credentials, cookies and tokens. */
  readonly showSecrets?: boolean;
  /** HTTP header fields to record. */
  readonly headers?: readonly string[];
}
