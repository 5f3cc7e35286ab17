// SPDX-License-Identifier: Apache-2.0
import { Command } from 'commander';
import type { Dependencies } from './dependencies.js';
import { demoCommand } from './demo/demo-command.js';
import type { DemoFlags } from './demo/demo-command.js';
import { doctorCommand } from './doctor/doctor-command.js';
import type { DoctorFlags } from './doctor/doctor-command.js';
import {
  addFormatOption,
  addLimitOptions,
  addPluginOptions,
  addRedactionOptions,
  addTargetOptions,
  addTlsOptions,
  addTuningOptions,
} from './command-options.js';
import { packageVersion } from './package-files.js';
import { createPluginCommand } from './plugins/create-plugin-command.js';
import type { CreatePluginFlags } from './plugins/create-plugin-command.js';
import { pluginsCommand } from './plugins/plugins-command.js';
import type { PluginsFlags } from './plugins/plugins-command.js';
import { readCommand } from './read/read-command.js';
import type { ReadFlags } from './read/read-command.js';
import { recordCommand } from './record/record-command.js';
import type { RecordFlags } from './record/record-command.js';
import { schemaCommand } from './schema-command.js';
import { integerBetween, textList } from './trace/option-values.js';
import { traceCommand } from './trace/trace-command.js';
import type { TraceFlags } from './trace/trace-options.js';

const programExamples = `
Examples:
  $ sudo libtrace demo                                     see it work, with programs of its own
  $ sudo libtrace trace -- curl http://localhost:8080/     a command, from its first call on
  $ sudo libtrace trace --pid 1234                         a running process and its descendants
  $ sudo libtrace trace --comm nginx --format json         JSON, one object a line
  $ sudo libtrace record -o calls.ltrec --pid 1234         record now …
  $ libtrace read calls.ltrec                              … and read later, anywhere
  $ libtrace read capture.pcapng                           calls in a packet capture
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

Programs are looked into above TLS: those that use OpenSSL or BoringSSL, and
those of Go. Probes sit in their files, whoever uses them, and go with libtrace;
--no-tls places none. Calls seen so have +tls behind their protocol.

Marks: → a call made, ← a call served; ~ content not captured, ! part of the
call was not seen, + at least so many bytes.

Examples:
  $ sudo libtrace trace -- curl -s http://localhost:8080/
  $ sudo libtrace trace --pid 1234 5678 --port 8080
  $ sudo libtrace trace --comm mysqld --protocol mysql --show-values
  $ sudo libtrace trace --comm nginx --duration 30 --format json --output calls.jsonl
  $ sudo libtrace trace --pid 1234 --plugin ./my-protocol --decode-as 11211=my-protocol
  $ sudo libtrace trace --all --tls-match '^(nginx|node)' --tls-match go=/srv/
  $ sudo libtrace trace --port 8080 --format json | jq .attributes`;

const recordExamples = `
Everything that the target moves over sockets is written to FILE, whether a
plugin knows its protocol or not, so that a plugin written later can read it.
FILE holds the bytes as they are, passwords and personal data included; only its
owner may read it. Calls that are recognized while recording are counted, not
shown. A COMMAND is started and ended as by libtrace trace.

Examples:
  $ sudo libtrace record -o calls.ltrec -- curl -s http://localhost:8080/
  $ sudo libtrace record -o calls.ltrec --comm nginx --duration 30
  $ ssh HOST sudo libtrace record -o - --pid 1234 > calls.ltrec
  $ libtrace read calls.ltrec`;

const readExamples = `
FILE is a recording of libtrace record, a pcap or a pcapng file, or one of these
gzipped; - reads standard input. What it is, is told by its first bytes. Neither
Linux nor rights are needed. A file that was cut off is read up to there.

Records go to stdout, or to a file with --output. The summary says what was not
understood; with --format json or --output it goes to stderr.

Examples:
  $ libtrace read calls.ltrec
  $ libtrace read capture.pcapng --protocol mysql --show-values
  $ libtrace read capture.pcap.gz --decode-as 8081=http 9999=kafka
  $ libtrace read calls.ltrec --plugin ./my-protocol --format json | jq .operation
  $ tcpdump -w - -U port 8080 | libtrace read -`;

const pluginsExamples = `
Examples:
  $ libtrace plugins
  $ libtrace plugins --plugin ./my-protocol        is it loaded and valid?
  $ libtrace plugins --format json`;

const doctorExamples = `
Examples:
  $ sudo libtrace doctor
  $ libtrace doctor --binary "$(command -v node)"          can its TLS be seen, and at what cost?
  $ libtrace doctor --binary ./server --format json`;

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
  addRecord(program, async (command, flags) =>
    setStatus(await recordCommand(command, flags, deps)),
  );
  addRead(program, async (file, flags) => setStatus(await readCommand(file, flags, deps)));
  addPlugins(program, async (flags) => setStatus(await pluginsCommand(flags, deps)));
  program
    .command('create-plugin')
    .description('make a package for a protocol of your own, with tests that pass')
    .argument('<name>', 'of the protocol: lower-case letters, digits and dashes')
    .option('--folder <path>', 'where to (default: libtrace-plugin-NAME)')
    .action((name: string, flags: CreatePluginFlags) =>
      setStatus(createPluginCommand(name, flags, context.writeOut, deps.writeError)),
    );
  addDoctor(program, async (flags) => setStatus(await doctorCommand(flags, deps)));
  const demo = program
    .command('demo')
    .description(
      'trace a small HTTP service and a client of it, both started here; ends by itself',
    );
  addFormatOption(demo).action(async (flags: DemoFlags) =>
    setStatus(await demoCommand(flags, deps)),
  );
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
  const trace = program
    .command('trace')
    .usage('[options] [-- COMMAND ...]')
    .description('show the calls of running processes, or of a command')
    .argument('[command...]', 'command to start and to trace with its descendants')
    .passThroughOptions();
  addLimitOptions(addTargetOptions(trace));
  addFormatOption(trace).option('-o, --output <file>', 'write records to a file, not to stdout');
  addPluginOptions(trace, true);
  addTlsOptions(trace);
  addRedactionOptions(trace);
  addTuningOptions(trace).addHelpText('after', traceExamples).action(action);
}

function addRecord(
  program: Command,
  action: (command: readonly string[], flags: RecordFlags) => Promise<void>,
): void {
  const record = program
    .command('record')
    .usage('-o FILE [options] [-- COMMAND ...]')
    .description('write what running processes, or a command, say to a file that is read later')
    .argument('[command...]', 'command to start and to record with its descendants')
    .passThroughOptions()
    .requiredOption('-o, --output <file>', 'the recording to write; - is stdout');
  addLimitOptions(addTargetOptions(record));
  addPluginOptions(record, true);
  addTlsOptions(record);
  addTuningOptions(record)
    .option('--no-color', 'no colours (also: NO_COLOR=1)')
    .addHelpText('after', recordExamples)
    .action(action);
}

function addRead(
  program: Command,
  action: (file: string, flags: ReadFlags) => Promise<void>,
): void {
  const read = program
    .command('read')
    .usage('FILE [options]')
    .description('show the calls in a recording or a packet capture (pcap, pcapng); on any system')
    .argument('<file>', 'the file to read; - is stdin')
    .option(
      '-n, --max-records <count>',
      'end after so many records',
      integerBetween(1, Number.MAX_SAFE_INTEGER),
    );
  addFormatOption(read).option('-o, --output <file>', 'write records to a file, not to stdout');
  addPluginOptions(read, true);
  addRedactionOptions(read).addHelpText('after', readExamples).action(action);
}

function addDoctor(program: Command, action: (flags: DoctorFlags) => Promise<void>): void {
  const doctor = program
    .command('doctor')
    .description(
      'say what this kernel and these rights allow, hook by hook; status 0 when live tracing works',
    )
    .option(
      '--binary <file...>',
      'say instead how programs or libraries would be looked into above TLS; needs no rights',
      textList,
    );
  addFormatOption(doctor);
  addPluginOptions(doctor, false).addHelpText('after', doctorExamples).action(action);
}

function addPlugins(program: Command, action: (flags: PluginsFlags) => Promise<void>): void {
  const plugins = program
    .command('plugins')
    .description('list the protocols and sources that are known, and what their records say');
  addFormatOption(plugins);
  addPluginOptions(plugins, false).addHelpText('after', pluginsExamples).action(action);
}
