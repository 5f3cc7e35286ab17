// SPDX-License-Identifier: Apache-2.0
import { escapeText } from './format/terminal-text.js';

/** Exit statuses of the `libtrace` command. With a traced command its own status (signal: 128 + number) is used. */
export const exitStatus = {
  /** It did what was asked. */
  ok: 0,
  /** Something failed: rights, kernel, a file. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** The command to trace may not be executed. */
  notExecutable: 126,
  /** The command to trace does not exist. */
  notFound: 127,
  /** A second Ctrl-C. */
  interrupted: 130,
} as const;

/** Codes of the command itself, besides those of the packages below it. docs/errors.md is made from this table. */
export const commandErrorCodes = {
  ERR_COMMAND: {
    meaning: 'The command that was to be traced could not be started.',
    remedy: 'Try it without libtrace; check its name, its path and its rights.',
  },
  ERR_DEMO: {
    meaning:
      'The demo did not see the calls that its client made, or could not start its programs.',
    remedy: 'Run `libtrace doctor`; the message says what was missing.',
  },
  ERR_OUTPUT: {
    meaning: 'The output could not be written.',
    remedy: 'Check the file of `--output`, its folder and the space on its disk.',
  },
  ERR_PLUGIN_EXPORT: {
    meaning: 'The module that `--plugin` names exports no plugin and no factory of one.',
    remedy: 'Make the factory of the plugin its default export.',
  },
  ERR_PLUGIN_LOAD: {
    meaning: 'The module that `--plugin` names, or the factory that it exports, threw an error.',
    remedy:
      'The cause is printed; install what the plugin depends on, build it, and see LIBTRACE_DEBUG=1.',
  },
  ERR_PLUGIN_NOT_FOUND: {
    meaning: 'What `--plugin` names is no file, no folder of a package, and no installed package.',
    remedy: 'Install it, or give a path that begins with `./`.',
  },
  ERR_PACKAGE_MISSING: {
    meaning: 'A package that the command is made of is not installed.',
    remedy: 'Reinstall @libtrace/cli; in a clone run `npm run setup`.',
  },
} as const;

/** An error of the command line itself, with what to do about it. */
export class CliError extends Error {
  /** Always `CliError`. */
  override readonly name = 'CliError';
  /** A key of {@link commandErrorCodes}, or `ERR_OPTION_INVALID`. */
  readonly code: string;
  /** What to do about it, when that is known. */
  readonly remedy: string | undefined;
  /** The status that the process ends with. */
  readonly exitStatus: number;

  /** For the command: the message says what was tried with which value. */
  constructor(
    code: string,
    message: string,
    options: {
      readonly remedy?: string;
      readonly exitStatus?: number;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
    this.exitStatus = options.exitStatus ?? exitStatus.failed;
  }
}

/** A wrong option or argument: exit status 2. */
export function usageError(message: string, remedy?: string): CliError {
  return new CliError('ERR_OPTION_INVALID', message, {
    exitStatus: exitStatus.usage,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

/** What is printed of an error, and the status the process ends with. */
export interface Failure {
  readonly text: string;
  readonly exitStatus: number;
}

const rightsRemedy = 'run it as root (sudo), or give it CAP_BPF and CAP_PERFMON';

/**
 * Turns whatever was thrown into `error CODE: message`, the cause when it adds something, and `remedy: …`. The errors of
 * core and native are told by their fields, not by their class, so that this works when neither could be loaded.
 */
export function describeFailure(error: unknown, debug: boolean): Failure {
  const fields = error instanceof Error ? error : new Error(String(error));
  const code = stringField(fields, 'code');
  const remedy = stringField(fields, 'remedy') ?? fallbackRemedy(fields, code, debug);
  const lines = [`error${code === undefined ? '' : ` ${code}`}: ${printable(fields.message)}`];
  const cause = fields.cause instanceof Error ? firstLine(fields.cause.message) : undefined;
  if (cause !== undefined && cause !== '' && !fields.message.includes(cause)) {
    lines.push(`cause: ${printable(cause)}`);
  }
  if (remedy !== undefined) lines.push(`remedy: ${printable(remedy)}`);
  if (debug && fields.stack !== undefined) lines.push(fields.stack);
  if (debug && fields.cause instanceof Error)
    lines.push(`caused by: ${String(fields.cause.stack)}`);
  return { text: `${lines.join('\n')}\n`, exitStatus: statusOf(fields, code) };
}

/** The same on one line, for what does not end the command: `warning CODE: message (cause); remedy`. */
export function warningLine(error: Error): string {
  const code = stringField(error, 'code');
  const remedy = stringField(error, 'remedy');
  const cause = error.cause instanceof Error ? firstLine(error.cause.message) : '';
  const parts = [
    `warning${code === undefined ? '' : ` ${code}`}: ${firstLine(error.message)}`,
    ...(cause === '' || error.message.includes(cause) ? [] : [`cause: ${cause}`]),
    ...(remedy === undefined ? [] : [`remedy: ${firstLine(remedy)}`]),
  ];
  return `${escapeText(parts.join('; '))}\n`;
}

function statusOf(error: Error, code: string | undefined): number {
  if (error instanceof CliError) return error.exitStatus;
  return code === 'ERR_OPTION_INVALID' || code === 'ERR_TARGET_MISSING'
    ? exitStatus.usage
    : exitStatus.failed;
}

function fallbackRemedy(
  error: Error,
  code: string | undefined,
  debug: boolean,
): string | undefined {
  if (error instanceof CliError) return undefined;
  if (code === 'EPERM' || code === 'EACCES') return rightsRemedy;
  if (code === undefined && !debug)
    return 'run it again with LIBTRACE_DEBUG=1 and report what it prints';
  return undefined;
}

function stringField(error: Error, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? '';
}

function printable(text: string): string {
  return text.split('\n').map(escapeText).join('\n');
}
