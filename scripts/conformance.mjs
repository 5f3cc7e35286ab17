// SPDX-License-Identifier: Apache-2.0
// `npm run conformance -- FOLDER...`: reads every X.pcap below the folders that has an X.expected.json beside it, with all of
// libtrace's plugins, and looks for every expected message. Needs built packages. Closes with one line: `N passed, N failed`.
//
// X.expected.json: { "messages": [{ "kind": "request" | "response", FIELD: VALUE, … }, …] }, in capture order; fields that are
// absent are not asserted. What was found beyond that is not asserted either.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { createReader } from '@libtrace/core';
import { matchMessages } from './conformance/match-messages.mjs';
import { messagesOf } from './conformance/messages-of.mjs';

const suffix = '.expected.json';
const captures = ['.pcap', '.pcapng', '.pcap.gz', '.pcapng.gz', '.ltrec'];

const folders = process.argv.slice(2);
const usage = 'usage: npm run conformance -- FOLDER... (captures with their X.expected.json)';
if (folders.length === 0 || folders.some((folder) => folder.startsWith('-'))) fail(usage);
for (const folder of folders) {
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) fail(`${folder} is no folder`);
}
const factories = await Promise.all(
  ['http', 'mysql', 'kafka'].map(async (name) => (await import(`@libtrace/proto-${name}`)).default),
);
const files = folders.flatMap((folder) => expectedFiles(folder));
let [passed, failed] = [0, 0];
const unknownFields = new Set();
for (const file of files) {
  const problems = await check(file).catch((error) => [String(error.message ?? error)]);
  if (problems.length === 0) passed++;
  else failed++;
  for (const problem of problems) console.log(`    ${problem.replaceAll('\n', '\n    ')}`);
}
for (const field of unknownFields) console.log(`warning: no field ${field} is known: not asserted`);
if (files.length === 0) {
  console.log(`no *${suffix} below ${folders.join(', ')}`);
  failed = 1;
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** Prints a line for a file; returns what is missing. */
async function check(file) {
  const base = file.slice(0, -suffix.length);
  const name = folders.length === 1 ? relative(folders[0], base) : base;
  const say = (sign, text) => console.log(`${sign} ${name}: ${text}`);
  let result;
  try {
    const { messages } = JSON.parse(readFileSync(file, 'utf8'));
    if (!Array.isArray(messages)) throw new Error('"messages" is not an array');
    const capture = captures.map((ending) => base + ending).find((path) => existsSync(path));
    if (capture === undefined)
      throw new Error(`there is no capture beside it (${captures.join(', ')})`);
    const failures = [];
    const records = await read(capture, failures);
    if (failures.length > 0) throw new Error(`a plugin threw: ${failures.join('; ')}`);
    result = { messages, ...matchMessages(messages, messagesOf(records)) };
  } catch (error) {
    say('✗', 'not checked');
    throw error;
  }
  for (const field of result.unknownFields) unknownFields.add(field);
  const { messages, missing, extra } = result;
  say(
    missing.length === 0 ? '✓' : '✗',
    `${messages.length - missing.length} of ${messages.length} expected messages, ${extra} more`,
  );
  return missing;
}

async function read(capture, failures) {
  const records = [];
  const reader = createReader({
    plugins: factories.map((factory) => factory({ showValues: true })),
    file: capture,
    onPluginFailure: (plugin, error) => failures.push(`${plugin}: ${error}`),
  });
  for await (const record of reader) records.push(record);
  return records;
}

function expectedFiles(folder) {
  return readdirSync(folder, { recursive: true })
    .map((path) => join(folder, path))
    .filter((path) => path.endsWith(suffix))
    .sort();
}

function fail(problem) {
  console.error(problem);
  process.exit(2);
}
