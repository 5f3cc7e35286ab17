// SPDX-License-Identifier: Apache-2.0

/** Type of an attribute's value. Numbers are finite; lists keep the order in which their values were sent. */
export type AttributeType = 'string' | 'number' | 'boolean' | 'string[]';

/** What a name in {@link Attributes} means. Plugins declare the names that only they emit. */
export interface AttributeDefinition {
  /** Type of its value. */
  readonly type: AttributeType;
  /** Of a number, by UCUM: `By` is a byte, `{row}` counts rows. Default: a number without unit (a code, an id). */
  readonly unit?: string;
  /** One or two sentences: what the value is, and when it is absent if that is not plain. */
  readonly description: string;
}

/** An attribute of the protocols that come with libtrace. */
export interface RegisteredAttribute extends AttributeDefinition {
  /** Whose name it is: one of OpenTelemetry's semantic conventions, or our own below `libtrace.`. */
  readonly origin: 'opentelemetry' | 'libtrace';
  /** What the conventions say of their name. `deprecated`: they have another by now, this one is still the usual one. */
  readonly stability?: 'stable' | 'development' | 'deprecated';
  /** Names of the plugins that emit it. */
  readonly protocols: readonly string[];
  /** Every record of these protocols has it. Default: absent when the value is not known. */
  readonly always?: true;
}
