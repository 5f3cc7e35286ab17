// SPDX-License-Identifier: Apache-2.0
// Looks at one tarball: its files, what package.json points to, publint, and "are the types wrong".
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

/** ESM only: Node 10 and `require` of old are not served. */
const notServed = ['node10', 'node16-cjs'];
const wanted = ['package.json', 'README.md', 'LICENSE'];
/** What a package is of no use without, by a pattern of its name. */
const wantedOf = [
  [
    /^@libtrace\/core$/,
    [
      'bpf/socket_tracer.bpf.o',
      'bpf/preemption_probe.bpf.o',
      'bpf/include/plaintext_api.bpf.h',
      'bpf/include/target.bpf.h',
    ],
  ],
  [/^@libtrace\/uprobe-(?<source>\w+)$/, ['bpf/$<source>.bpf.o']],
];
/** Left over from builds and tests; the template of a new plugin has tests of its own. */
const unwanted =
  /(?:^|\/)(?:node_modules|build|coverage|testing)\/|\.test\.|test-support|\.stamp$|tsbuildinfo|^src\/|\.tgz$|\.ltrec$/;
/** A condition for work within the repository, where the sources are. */
const sourceCondition = '@libtrace/source';

export function checkListing({ name, files, unpacked }, root) {
  const problems = wantedFilesOf(name)
    .filter((file) => !files.includes(file))
    .map((file) => `${file} is missing`);
  for (const file of files) {
    if (!file.startsWith('template/') && unwanted.test(file))
      problems.push(`${file} does not belong in it`);
    if (readFileSync(join(unpacked, file)).includes(root))
      problems.push(`${file} holds a path of this machine`);
  }
  const json = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8'));
  for (const target of targets({ exports: json.exports, bin: json.bin })) {
    if (!existsSync(join(unpacked, target)))
      problems.push(`package.json names ${target}, which is missing`);
  }
  for (const [dependency, range] of dependenciesOf(json)) {
    if (/^(?:file|link|workspace|git|https?):/.test(range)) {
      problems.push(`it depends on ${dependency} by ${range}`);
    }
  }
  if (json.license === undefined || json.description === undefined) {
    problems.push('package.json needs license and description');
  }
  report(name, problems);
}

/** Files without which the package is not published. */
function wantedFilesOf(name) {
  const own = wantedOf
    .filter(([pattern]) => pattern.test(name))
    .flatMap(([pattern, files]) => files.map((file) => name.replace(pattern, file)));
  return [...wanted, ...own];
}

export async function checkPublint({ name, unpacked }) {
  const { messages, pkg } = await publint({ pkgDir: unpacked, pack: false, strict: true });
  report(
    name,
    messages.map((message) => `${message.type}: ${formatMessage(message, pkg)}`),
  );
}

export async function checkTypes({ name, tarball }) {
  const result = await checkPackage(createPackageFromTarballData(readFileSync(tarball)));
  if (!result.types) throw new Error(`${name} has no types`);
  const problems = result.problems.filter((problem) => !notServed.includes(problem.resolutionKind));
  report(
    name,
    problems.map((problem) => JSON.stringify(problem)),
  );
}

function report(name, problems) {
  if (problems.length > 0) throw new Error(`${name}:\n${problems.join('\n')}`);
}

/** Every path that package.json names, but for sources. */
function targets(value) {
  if (typeof value === 'string') return [value];
  return Object.entries(value ?? {}).flatMap(([key, each]) =>
    key === sourceCondition ? [] : targets(each),
  );
}

function dependenciesOf(json) {
  const { dependencies, peerDependencies, optionalDependencies } = json;
  return Object.entries({ ...dependencies, ...peerDependencies, ...optionalDependencies });
}
