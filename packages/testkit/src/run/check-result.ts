// SPDX-License-Identifier: Apache-2.0
import { isDeepStrictEqual } from 'node:util';
import { attributeDefinition, type AnyProtocol } from '@libtrace/core';
import { show } from '../judge/show.js';

const statuses = ['ok', 'client-error', 'server-error', 'unknown'];
const missingParts = [
  ...['request', 'request.head', 'request.body', 'request.size'],
  ...['response', 'response.head', 'response.body', 'response.size'],
];

/**
 * What `ProtocolPlugin.toRecord` may return, checked at run time. Problems go to `violated`, a sentence each.
 * @returns the result, or what core can take instead of it
 */
export function checkResult(
  result: unknown,
  again: () => unknown,
  plugin: AnyProtocol,
  violated: (what: string) => void,
): unknown {
  if (result === undefined) return undefined;
  if (!isObject(result)) {
    violated(`toRecord returned ${show(result)}: it must return an object or undefined`);
    return undefined;
  }
  const { operation, status, attributes, missing } = result;
  if (typeof operation !== 'string' || operation === '') {
    violated(`toRecord: operation is ${show(operation)}: it must be a string that is not empty`);
  }
  if (!statuses.includes(status as string)) {
    violated(`toRecord: status is ${show(status)}: it must be one of ${statuses.join(', ')}`);
  }
  if (missing !== undefined && !isMissing(missing)) {
    violated(`toRecord: missing is ${show(missing)}: it must list some of ${missingParts.join()}`);
  }
  if (!isObject(attributes)) violated(`toRecord: attributes is ${show(attributes)}`);
  else checkAttributes(attributes, plugin, violated);
  if (!isDeepStrictEqual(result, again())) {
    violated('toRecord gave another result for the same exchange: it must be pure');
  }
  return isObject(attributes) ? result : { ...result, attributes: {} };
}

function checkAttributes(
  attributes: Readonly<Record<string, unknown>>,
  plugin: AnyProtocol,
  violated: (what: string) => void,
): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined) continue;
    const type = typeOf(value);
    if (type === undefined) {
      violated(
        `attribute ${name} is ${show(value)}: it must be a string, a finite number, a boolean or an array of strings`,
      );
      continue;
    }
    const definition = attributeDefinition(name, plugin.attributes);
    if (definition === undefined) {
      violated(
        `attribute ${name} is not declared: describe it in the plugin's \`attributes\`, or use a name of core's attributeRegistry`,
      );
    } else if (definition.type !== type) {
      violated(`attribute ${name} is ${show(value)}: it is declared as ${definition.type}`);
    }
  }
}

function typeOf(value: unknown): string | undefined {
  if (typeof value === 'string' || typeof value === 'boolean') return typeof value;
  if (typeof value === 'number') return Number.isFinite(value) ? 'number' : undefined;
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
    ? 'string[]'
    : undefined;
}

function isMissing(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => missingParts.includes(each as string));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
