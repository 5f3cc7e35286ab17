// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import {
  commList,
  decodeAsList,
  headerList,
  integerBetween,
  integerList,
  nameList,
  sizeBetween,
  textList,
  timeMs,
} from './trace/option-values.js';

const maxPid = 4_194_304;
const mebibyte = 1024 * 1024;

/** Whose calls. */
export function addTargetOptions(command: Command): Command {
  return command
    .option('-p, --pid <pid...>', 'processes, with their descendants', integerList(1, maxPid))
    .option('--comm <name...>', 'processes by command name, running or started later', commList)
    .option('--cgroup <path...>', 'cgroup v2 folders (containers, services)', textList)
    .option(
      '--port <port...>',
      'only connections that use one of these ports',
      integerList(1, 65_535),
    )
    .option('--all', 'every process of the machine');
}

/** When it ends. */
export function addLimitOptions(command: Command): Command {
  return command
    .option('-d, --duration <time>', 'end after so many seconds (or 500ms, 2m)', timeMs)
    .option(
      '-n, --max-records <count>',
      'end after so many records',
      integerBetween(1, Number.MAX_SAFE_INTEGER),
    );
}

/** How it is shown. */
export function addFormatOption(command: Command): Command {
  return command
    .addOption(
      new Option('-f, --format <format>', 'output for people or for programs')
        .choices(['pretty', 'json'])
        .default('pretty'),
    )
    .option('--no-color', 'no colours (also: NO_COLOR=1)');
}

/** Which protocols. `choosing`: the command reads them, and may be told to read some only. */
export function addPluginOptions(command: Command, choosing: boolean): Command {
  if (choosing) {
    command
      .option('--protocol <name...>', 'only these protocols (see libtrace plugins)', nameList)
      .option(
        '--decode-as <port=protocol...>',
        'connections with that port are of that protocol, whatever they look like',
        decodeAsList,
      );
  }
  return command.option(
    '--plugin <path-or-package...>',
    'a protocol or a source by somebody else: a file, a folder, or an installed package',
    textList,
  );
}

/** What is looked into above TLS. */
export function addTlsOptions(command: Command): Command {
  return command
    .option('--no-tls', 'leave encrypted connections alone: no probes in programs and libraries')
    .option(
      '--tls-match <regex>',
      'look only into processes whose name, path or arguments match; SOURCE=REGEX for one source; repeatable',
      textList,
    )
    .option(
      '--tls-file <file>',
      'a program or library to look into before any process uses it; repeatable',
      textList,
    )
    .option(
      '--tls-delay <ms>',
      'wait so long before looking into a new file (default: 0)',
      integerBetween(0, 2 ** 31 - 1),
    );
}

/** What is shown of traced values. */
export function addRedactionOptions(command: Command): Command {
  return command
    .option(
      '--headers <name...>',
      'HTTP header fields to show, of requests and responses',
      headerList,
    )
    .option('--show-values', 'show the values in statements and messages, hidden by default')
    .option('--show-secrets', 'do not redact credentials, cookies and tokens');
}

/** Sizes. */
export function addTuningOptions(command: Command): Command {
  return command
    .option(
      '--ring-size <size>',
      'ring between kernel and libtrace, a power of two (default: 8M)',
      sizeBetween(4096, 1024 * mebibyte),
    )
    .option(
      '--capture-bytes <size>',
      'bytes captured per system call at most',
      sizeBetween(64, 131_072),
    );
}
