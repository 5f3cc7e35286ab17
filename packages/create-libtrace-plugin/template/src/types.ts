// SPDX-License-Identifier: Apache-2.0
import type { AttributeDefinition, CommonPluginOptions } from '@libtrace/core/plugin';

/** Options of the plugin. Those of `CommonPluginOptions` are passed by the `libtrace` command. */
export type __TYPE__Options = CommonPluginOptions;

/** Attributes of a record. A key is absent when its value is not known. */
export interface __TYPE__Attributes {
  /** What was asked about, or told. */
  readonly 'libtrace.__ATTRIBUTE__.topic'?: string;
  /** What was answered; only with `showValues`. */
  readonly 'libtrace.__ATTRIBUTE__.answer'?: string;
  /** Why the server refused. */
  readonly 'error.message'?: string;
}

/** What the names mean that libtrace does not know. */
export const attributes: Readonly<Record<string, AttributeDefinition>> = {
  'libtrace.__ATTRIBUTE__.topic': {
    type: 'string',
    description: 'What was asked about, or told.',
  },
  'libtrace.__ATTRIBUTE__.answer': {
    type: 'string',
    description: 'What was answered; only when values are shown.',
  },
};
