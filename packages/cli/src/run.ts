// SPDX-License-Identifier: Apache-2.0
import { CommanderError } from 'commander';
import { describeFailure, exitStatus, usageError } from './cli-error.js';
import { defaultDependencies } from './dependencies.js';
import type { Dependencies } from './dependencies.js';
import { buildProgram } from './program.js';

/**
 * Runs the `libtrace` command and resolves with its exit status. Never rejects: what goes wrong is printed on stderr as
 * `error CODE: …` and `remedy: …`, with a stack only when LIBTRACE_DEBUG=1.
 *
 * @param argv Arguments after the program's name.
 * @param overrides Replaces parts of the real process, for tests and for embedding.
 * @example
 * ```ts
 * import { run } from '@libtrace/cli';
 *
 * process.exitCode = await run(['trace', '--pid', '1234', '--duration', '10']);
 * ```
 */
export async function run(
  argv: readonly string[],
  overrides: Partial<Dependencies> = {},
): Promise<number> {
  const deps: Dependencies = { ...defaultDependencies(), ...overrides };
  const debug = deps.env['LIBTRACE_DEBUG'] === '1';
  let status: number = exitStatus.ok;
  let printed = '';
  const program = buildProgram({
    deps,
    writeOut: (text) => (printed += text),
    setStatus: (value) => (status = value),
  });
  try {
    if (argv.length === 0) throw missingCommand(program.helpInformation(), deps);
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError && error.exitCode === 0)) {
      const failure = describeFailure(asUsageError(error, argv), debug);
      if (isClosedPipe(error)) return exitStatus.ok;
      deps.writeError(failure.text);
      status = failure.exitStatus;
    }
  }
  if (printed !== '') await deps.stdout.write(printed).catch(() => undefined);
  return status;
}

function missingCommand(help: string, deps: Dependencies): Error {
  deps.writeError(`${help}\n`);
  return usageError('No command was given.', 'libtrace --help shows examples');
}

const commandNames = [
  ...['trace', 'record', 'read', 'plugins', 'create-plugin', 'doctor', 'demo', 'schema'],
];
/** Options that take several values take FILE for one of them. */
const fileFirst = 'put FILE before the options: libtrace read FILE --protocol http; more: ';

/** Commander's errors are about the command line: one line, and where to read on. */
function asUsageError(error: unknown, argv: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error;
  const name = commandNames.find((command) => command === argv[0]);
  const message = error.message.replace(/^error: /, '').replace(/\n\((.*)\)$/s, ' ($1)');
  const help = `${['libtrace', ...(name ? [name] : [])].join(' ')} --help`;
  return usageError(message, name === 'read' ? fileFirst + help : help);
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && Reflect.get(error, 'code') === 'EPIPE';
}
