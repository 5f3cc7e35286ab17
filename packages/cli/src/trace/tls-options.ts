// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import type { UprobeOptions } from '@libtrace/core';
import { CliError, usageError } from '../cli-error.js';
import type { Dependencies } from '../dependencies.js';
import type { ChosenPlugins, SourceChoice } from '../plugins/choose-plugins.js';
import { libraryFiles } from './library-files.js';
import { programFiles } from './program-files.js';

/** Options about plaintext above TLS, as commander hands them over. */
export interface TlsFlags {
  /** False: `--no-tls`. */
  readonly tls?: boolean;
  /** `REGEX`, or `SOURCE=REGEX`. */
  readonly tlsMatch?: readonly string[];
  /** Program files and libraries. */
  readonly tlsFile?: readonly string[];
  /** Milliseconds. */
  readonly tlsDelay?: number;
}

/** Which sources the flags ask for; undefined: none. */
export function sourceChoice({ tls, tlsFile }: TlsFlags): SourceChoice | undefined {
  return tls === false ? undefined : { files: tlsFile };
}

/** The same for a command line: its own sources, the program and libraries of its command. */
export function uprobesOf(
  command: readonly string[],
  flags: TlsFlags,
  plugins: ChosenPlugins,
  deps: Pick<Dependencies, 'env'>,
): UprobeOptions | undefined {
  const sources = plugins.sources.map(({ plugin }) => plugin);
  const [program] = command;
  const files =
    program === undefined || sources.length === 0
      ? []
      : [...programFiles(program, deps.env), ...libraryFiles(deps.env, sources)];
  const names = sources.map(({ name }) => name);
  return chooseUprobes(flags, names, files);
}

/**
 * Makes the tracer's options of the flags.
 * @param sources names of the active sources
 * @param programFiles files that are going to be run
 * @throws CliError `ERR_OPTION_INVALID` for an expression that cannot be, `ERR_FILE_READ` for a file that cannot be read
 */
export function chooseUprobes(
  flags: TlsFlags,
  sources: readonly string[],
  programFiles: readonly string[],
): UprobeOptions | undefined {
  if (flags.tls === false) {
    refuseWithoutTls(flags);
    return undefined;
  }
  const match = chooseMatch(flags.tlsMatch ?? [], sources);
  const named = (flags.tlsFile ?? []).map((file) => resolve(file));
  for (const file of named) requireReadable(file);
  const files = [...new Set([...named, ...programFiles])];
  if (sources.length === 0) return undefined;
  return {
    ...(match === undefined ? {} : { match }),
    ...(files.length === 0 ? {} : { files }),
    ...(flags.tlsDelay === undefined ? {} : { delayMs: flags.tlsDelay }),
  };
}

function refuseWithoutTls(flags: TlsFlags): void {
  const { tlsMatch, tlsFile, tlsDelay } = flags;
  if ((tlsMatch ?? tlsFile ?? tlsDelay) === undefined) return;
  throw usageError(
    '--no-tls cannot be combined with --tls-match, --tls-file or --tls-delay.',
    'leave out --no-tls to look into programs above TLS',
  );
}

const sourcePrefix = /^([a-z][a-z0-9_-]*)=(.*)$/s;

/** One expression for all sources, or one for each that was named; several for the same are alternatives. */
function chooseMatch(
  given: readonly string[],
  sources: readonly string[],
): RegExp | Readonly<Record<string, RegExp>> | undefined {
  const general: string[] = [];
  const own = new Map<string, string[]>();
  for (const text of given) {
    const [, source, rest] = sourcePrefix.exec(text) ?? [];
    if (source === undefined || rest === undefined) general.push(checked(text));
    else if (sources.includes(source)) {
      own.set(source, [...(own.get(source) ?? []), checked(rest)]);
    } else throw unknownSource(source, rest, sources);
  }
  if (own.size === 0) return general.length === 0 ? undefined : anyOf(general);
  const named = general.length === 0 ? [...own.keys()] : sources;
  return Object.fromEntries(
    named.map((source) => [source, anyOf([...general, ...(own.get(source) ?? [])])]),
  );
}

function checked(text: string): string {
  try {
    new RegExp(text);
    return text;
  } catch (error) {
    throw usageError(
      `--tls-match ${JSON.stringify(text)} is not a regular expression.`,
      `${error instanceof Error ? error.message : String(error)}; the syntax is JavaScript's`,
    );
  }
}

function anyOf(expressions: readonly string[]): RegExp {
  const [only = ''] = expressions;
  if (expressions.length === 1) return new RegExp(only);
  return new RegExp(expressions.map((expression) => `(?:${expression})`).join('|'));
}

function unknownSource(name: string, rest: string, sources: readonly string[]): Error {
  const known = sources.length === 0 ? 'none is active' : `they are: ${sources.join(', ')}`;
  return usageError(
    `There is no source ${JSON.stringify(name)} here.`,
    `${known}; an expression that begins so is written ${name}[=]${rest}`,
  );
}

function requireReadable(file: string): void {
  try {
    accessSync(file, constants.R_OK);
  } catch (cause) {
    throw new CliError('ERR_FILE_READ', `${file} of --tls-file cannot be read.`, {
      cause,
      remedy:
        'give the path of a program or a library: libtrace doctor --binary FILE looks into it',
    });
  }
}
