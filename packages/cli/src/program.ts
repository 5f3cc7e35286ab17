// SPDX-License-Identifier: Apache-2.0
import { Command, Option } from 'commander';
import type { Dependencies } from './dependencies.js';
import { demoCommand } from './demo/demo-command.js';
import type { DemoFlags } from './demo/demo-command.js';
import { doctorCommand } from './doctor/doctor-command.js';
import type { DoctorFlags } from './doctor/doctor-command.js';
import { packageVersion } from './package-files.js';
import { schemaCommand } from './schema-command.js';
import {
  commList,
  headerList,
  integerBetween,
  integerList,
  sizeBetween,
  textList,
  timeMs,
} from './trace/option-values.js';
import { traceCommand } from './trace/trace-command.js';
import type { TraceFlags } from './trace/trace-options.js';

const maxPid = 4_194_304;
const mebibyte = 1024 * 1024;

const programExamples = `
Examples:
  $ sudo libtrace demo                                     see it work, with programs of its own
  $ sudo libtrace trace -- curl http://localhost:8080/     a command, from its first call on
  $ sudo libtrace trace --pid 1234                         a running process and its descendants
  $ sudo libtrace trace --comm nginx --format json         JSON, one object a line
  $ libtrace doctor                                        what this machine allows`;

const traceExamples = `
Records go to stdout, or to FILE with --output; messages go to stderr. The
summary follows the records; with --format json or --output it goes to stderr.

A COMMAND runs as the user who runs libtrace and keeps its standard input,
output and error; with --format json and no --output its output goes to stderr,
so that stdout holds nothing but JSON. libtrace ends with the COMMAND and with
its exit status (128 + n when signal n killed it). When --duration or
--max-records ends the trace first, the COMMAND is sent SIGTERM (SIGKILL after
5 s) and the status is 0.

Marks: → a call made, ← a call served; ~ content not captured, ! part of the
call was not seen, + at least so many bytes.

Examples:
  $ sudo libtrace trace -- curl -s http://localhost:8080/
  $ sudo libtrace trace --pid 1234 5678 --port 8080
  $ sudo libtrace trace --comm nginx --duration 30 --format json --output calls.jsonl
  $ sudo libtrace trace --port 8080 --format json | jq .attributes`;

/** Where commander writes, and where the exit status of the chosen command is put. */
export interface ProgramContext {
  readonly deps: Dependencies;
  readonly writeOut: (text: string) => void;
  readonly setStatus: (status: number) => void;
}

/** Builds the command line. Errors are thrown as commander's, not printed. */
export function buildProgram(context: ProgramContext): Command {
  const { deps, setStatus } = context;
  const program = new Command('libtrace')
    .description('Shows, live, what the programs of this machine say to each other, by eBPF.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: context.writeOut,
      writeErr: () => undefined,
      getOutHelpWidth: () => Math.min(deps.stdoutColumns() ?? 100, 120),
      getErrHelpWidth: () => 100,
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      outputError: () => undefined,
    })
    .addHelpText('after', programExamples);
  addTrace(program, async (command, flags) => setStatus(await traceCommand(command, flags, deps)));
  program
    .command('doctor')
    .description(
      'say what this kernel and these rights allow, hook by hook; status 0 when live tracing works',
    )
    .addOption(formatOption())
    .option('--no-color', 'no colours (also: NO_COLOR=1)')
    .action(async (flags: DoctorFlags) => setStatus(await doctorCommand(flags, deps)));
  program
    .command('demo')
    .description('trace a small HTTP service and a client of it, both started here; ends by itself')
    .addOption(formatOption())
    .option('--no-color', 'no colours (also: NO_COLOR=1)')
    .action(async (flags: DemoFlags) => setStatus(await demoCommand(flags, deps)));
  program
    .command('schema')
    .description('print the JSON Schema of a line of --format json')
    .action(async () => setStatus(await schemaCommand(deps)));
  return program;
}

function addTrace(
  program: Command,
  action: (command: readonly string[], flags: TraceFlags) => Promise<void>,
): void {
  program
    .command('trace')
    .usage('[options] [-- COMMAND ...]')
    .description('show the calls of running processes, or of a command')
    .argument('[command...]', 'command to start and to trace with its descendants')
    .passThroughOptions()
    .option('-p, --pid <pid...>', 'processes, with their descendants', integerList(1, maxPid))
    .option('--comm <name...>', 'processes by command name, running or started later', commList)
    .option('--cgroup <path...>', 'cgroup v2 folders (containers, services)', textList)
    .option(
      '--port <port...>',
      'only connections that use one of these ports',
      integerList(1, 65_535),
    )
    .option('--all', 'every process of the machine')
    .option('-d, --duration <time>', 'end after so many seconds (or 500ms, 2m)', timeMs)
    .option(
      '-n, --max-records <count>',
      'end after so many records',
      integerBetween(1, Number.MAX_SAFE_INTEGER),
    )
    .addOption(formatOption())
    .option('-o, --output <file>', 'write records to a file instead of stdout')
    .option(
      '--headers <name...>',
      'HTTP header fields to record, of requests and responses',
      headerList,
    )
    .option('--show-secrets', 'do not redact credentials, cookies and tokens')
    .option(
      '--ring-size <size>',
      'ring between kernel and libtrace, a power of two (default: 8M)',
      sizeBetween(4096, 1024 * mebibyte),
    )
    .option(
      '--capture-bytes <size>',
      'bytes captured per system call at most',
      sizeBetween(64, 65_536),
    )
    .option('--no-color', 'no colours (also: NO_COLOR=1)')
    .addHelpText('after', traceExamples)
    .action(action);
}

function formatOption(): Option {
  return new Option('-f, --format <format>', 'output for people or for programs')
    .choices(['pretty', 'json'])
    .default('pretty');
}
