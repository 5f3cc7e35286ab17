// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../errors.js';
import type { ProtocolPlugin } from '../plugin/index.js';

/** First bytes of a message that rules may look at: WINDOW_BYTES of bpf/socket_tracer_api.bpf.h. */
export const maxInferenceBytes = 256;
/** CARRY_MAX of bpf/socket_tracer_api.bpf.h. */
const maxCarriedBytes = 16;
/** Sums with a field or a length stay exact in both back ends. */
const maxPlus = 2 ** 52;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Checks a plugin object that may come from plain JavaScript. Called by set-up for each plugin.
 * @throws LibtraceError `ERR_PLUGIN_INVALID` that names the plugin and the field.
 */
export function validatePlugin(
  plugin: unknown,
): asserts plugin is ProtocolPlugin<string, never, object> {
  if (!isObject(plugin)) throw invalid('?', 'plugin', 'an object made by its factory');
  const name = typeof plugin['name'] === 'string' ? plugin['name'] : '?';
  const check = (holds: boolean, field: string, wanted: string): void => {
    if (!holds) throw invalid(name, field, wanted);
  };
  check(plugin['kind'] === 'protocol', 'kind', "'protocol'");
  check(plugin['apiVersion'] === 1, 'apiVersion', '1');
  check(/^[a-z][a-z0-9-]*$/.test(name), 'name', 'lower-case letters, digits and dashes');
  const transports = plugin['transports'];
  check(
    Array.isArray(transports) &&
      transports.length > 0 &&
      transports.every((each) => ['tcp', 'udp', 'unix', 'tls'].includes(each as string)),
    'transports',
    "an array of 'tcp', 'udp', 'unix', 'tls'",
  );
  checkInference(plugin['inference'], check);
  checkMatching(plugin['matching'], check);
  check(optional(plugin['captureBytes'], 1), 'captureBytes', 'a positive integer');
  check(optional(plugin['timeoutMs'], 1), 'timeoutMs', 'a positive integer');
  checkAttributes(plugin['attributes'], check);
  check(typeof plugin['createParser'] === 'function', 'createParser', 'a function');
  check(typeof plugin['toRecord'] === 'function', 'toRecord', 'a function');
}

type Check = (holds: boolean, field: string, wanted: string) => void;

function checkAttributes(attributes: unknown, check: Check): void {
  if (attributes === undefined) return;
  check(isObject(attributes), 'attributes', 'an object of attribute definitions');
  for (const [name, definition] of Object.entries(attributes as Fields)) {
    const at = `attributes[${JSON.stringify(name)}]`;
    check(isObject(definition), at, 'an attribute definition');
    const { type, description } = definition as Fields;
    check(
      ['string', 'number', 'boolean', 'string[]'].includes(type as string),
      `${at}.type`,
      "'string', 'number', 'boolean' or 'string[]'",
    );
    check(
      typeof description === 'string' && description !== '',
      `${at}.description`,
      'a text that is not empty',
    );
  }
}

function checkInference(inference: unknown, check: Check): void {
  check(isObject(inference), 'inference', 'an object');
  const { rules, confirm, ports, carryHeaderBytes } = inference as Fields;
  check(Array.isArray(rules) && rules.length > 0, 'inference.rules', 'an array of rules');
  (rules as readonly unknown[]).forEach((rule, index) => {
    const at = `inference.rules[${index}]`;
    check(isObject(rule), at, 'a rule');
    const { says, when, strength } = rule as Fields;
    check(
      ['request', 'response', 'either'].includes(says as string),
      `${at}.says`,
      "'request', 'response' or 'either'",
    );
    check(
      strength === undefined || strength === 'certain' || strength === 'likely',
      `${at}.strength`,
      "'certain' or 'likely'",
    );
    checkTest(when, `${at}.when`, check);
  });
  check(optional(confirm, 1), 'inference.confirm', 'a positive integer');
  check(
    ports === undefined ||
      (Array.isArray(ports) && ports.every((port) => integerIn(port, 0, 0xffff))),
    'inference.ports',
    'an array of port numbers',
  );
  check(
    carryHeaderBytes === undefined || integerIn(carryHeaderBytes, 1, maxCarriedBytes),
    'inference.carryHeaderBytes',
    `1 to ${maxCarriedBytes} bytes`,
  );
}

function checkTest(test: unknown, at: string, check: Check): void {
  check(isObject(test), at, 'a test');
  const { kind, op, left, right, of, anyOf, ignoreCase } = test as Fields;
  switch (kind) {
    case 'cmp':
      check(
        ['eq', 'ne', 'lt', 'le', 'gt', 'ge'].includes(op as string),
        `${at}.op`,
        'a comparison',
      );
      checkOperand(left, `${at}.left`, check);
      checkOperand(right, `${at}.right`, check);
      return;
    case 'bytes':
      checkAt((test as Fields)['at'], 1, `${at}.at`, check);
      check(
        Array.isArray(anyOf) && anyOf.length > 0 && anyOf.every(isLatin1),
        `${at}.anyOf`,
        'an array of Latin-1 strings, none empty',
      );
      check(
        (anyOf as readonly string[]).every(
          (text) => ((test as Fields)['at'] as number) + text.length <= maxInferenceBytes,
        ),
        `${at}.anyOf`,
        `within the first ${maxInferenceBytes} bytes of a message: rules look at those only`,
      );
      check(
        ignoreCase === undefined || typeof ignoreCase === 'boolean',
        `${at}.ignoreCase`,
        'a boolean',
      );
      return;
    case 'all':
    case 'any':
      check(Array.isArray(of) && of.length > 0, `${at}.of`, 'an array of tests');
      (of as readonly unknown[]).forEach((part, i) => checkTest(part, `${at}.of[${i}]`, check));
      return;
    case 'not':
      checkTest(of, `${at}.of`, check);
      return;
    default:
      check(false, `${at}.kind`, "'cmp', 'bytes', 'all', 'any' or 'not'");
  }
}

function checkOperand(value: unknown, at: string, check: Check): void {
  if (Number.isSafeInteger(value)) return;
  check(isObject(value), at, 'an integer, a field or the length');
  const { at: offset, width, order, mask, plus, length } = value as Fields;
  check(
    plus === undefined || integerIn(plus, -maxPlus, maxPlus),
    `${at}.plus`,
    'an integer of at most 52 bits',
  );
  if (length === true) return;
  checkAt(offset, typeof width === 'number' ? width : 1, `${at}.at`, check);
  check(width === 1 || width === 2 || width === 4, `${at}.width`, '1, 2 or 4');
  check(order === undefined || order === 'be' || order === 'le', `${at}.order`, "'be' or 'le'");
  check(mask === undefined || integerIn(mask, 0, 0xffffffff), `${at}.mask`, '32 bits, unsigned');
}

function checkAt(value: unknown, width: number, at: string, check: Check): void {
  const wanted = `an offset within the first ${maxInferenceBytes} bytes of a message: rules look at those only`;
  check(integerIn(value, 0, maxInferenceBytes - width), at, wanted);
}

function checkMatching(matching: unknown, check: Check): void {
  check(isObject(matching), 'matching', 'an object');
  const { mode, key, oneWay, needsRequest, create, inOrder } = matching as Fields;
  check(
    ['in-order', 'by-key', 'one-way', 'custom'].includes(mode as string),
    'matching.mode',
    "'in-order', 'by-key', 'one-way' or 'custom'",
  );
  check(mode !== 'by-key' || typeof key === 'function', 'matching.key', 'a function');
  check(
    oneWay === undefined || typeof oneWay === 'function',
    'matching.oneWay',
    'a function when it is given',
  );
  check(
    needsRequest === undefined || typeof needsRequest === 'boolean',
    'matching.needsRequest',
    'a boolean when it is given',
  );
  check(mode !== 'custom' || typeof create === 'function', 'matching.create', 'a function');
  check(
    inOrder === undefined || typeof inOrder === 'function',
    'matching.inOrder',
    'a function when it is given',
  );
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function integerIn(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

function optional(value: unknown, least: number): boolean {
  return value === undefined || integerIn(value, least, Number.MAX_SAFE_INTEGER);
}

function isLatin1(value: unknown): boolean {
  return typeof value === 'string' && /^[\u0000-\u00ff]+$/.test(value);
}

function invalid(plugin: string, field: string, wanted: string): LibtraceError {
  return new LibtraceError('ERR_PLUGIN_INVALID', `plugin ${plugin}: ${field} must be ${wanted}`, {
    phase: 'validate',
    plugin,
    remedy: 'See the TSDoc of ProtocolPlugin for the fields of a plugin and their types.',
  });
}
