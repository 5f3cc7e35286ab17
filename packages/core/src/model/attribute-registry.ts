// SPDX-License-Identifier: Apache-2.0
import type { AttributeDefinition, RegisteredAttribute } from './attribute-definition.js';
import { databaseAttributes } from './attributes/database.js';
import { generalAttributes } from './attributes/general.js';
import { httpAttributes } from './attributes/http.js';
import { messagingAttributes } from './attributes/messaging.js';
import { rpcAttributes } from './attributes/rpc.js';

/**
 * Every attribute that the protocols of libtrace emit. A key that ends in `<key>` stands for all names that begin so.
 * docs/records.md and the JSON Schema of records are made from this table.
 * Names: OpenTelemetry semantic conventions (https://opentelemetry.io/docs/specs/semconv/registry/attributes/).
 */
export const attributeRegistry = {
  ...generalAttributes,
  ...httpAttributes,
  ...rpcAttributes,
  ...databaseAttributes,
  ...messagingAttributes,
} as const satisfies Readonly<Record<string, RegisteredAttribute>>;

/** A key of {@link attributeRegistry}. */
export type AttributeName = keyof typeof attributeRegistry;

/**
 * What a name of a record's attributes means.
 *
 * @param name as it stands in a record
 * @param own what the record's plugin declares in `attributes`; looked at first
 * @returns the definition, or undefined for a name that nobody declared
 */
export function attributeDefinition(
  name: string,
  own: Readonly<Record<string, AttributeDefinition>> = {},
): AttributeDefinition | undefined {
  return definitionIn(own, name) ?? definitionIn(attributeRegistry, name);
}

function definitionIn(
  table: Readonly<Record<string, AttributeDefinition>>,
  name: string,
): AttributeDefinition | undefined {
  if (Object.hasOwn(table, name)) return table[name];
  for (const [template, definition] of Object.entries(table)) {
    if (!template.endsWith('<key>')) continue;
    const prefix = template.slice(0, -'<key>'.length);
    if (name.startsWith(prefix) && name.length > prefix.length) return definition;
  }
  return undefined;
}
