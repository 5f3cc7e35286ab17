// SPDX-License-Identifier: Apache-2.0
// docs/errors.md from the tables of error codes: `node scripts/errors-page.mjs` writes it (after a build).
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const path = fileURLToPath(new URL('../docs/errors.md', import.meta.url));

/** @typedef {Readonly<Record<string, { readonly meaning: string, readonly remedy: string }>>} ErrorTable */

/** @param {ErrorTable} codes */
function table(codes) {
  const cell = (text) => text.replaceAll('|', '\\|');
  const rows = Object.entries(codes).map(
    ([code, { meaning, remedy }]) => `| \`${code}\` | ${cell(meaning)} | ${cell(remedy)} |`,
  );
  return ['| code | what it means | what to do |', '| --- | --- | --- |', ...rows].join('\n');
}

/** @param {ErrorTable} core @param {ErrorTable} native @param {ErrorTable} command */
export function errorsPage(core, native, command) {
  return `# Errors

<!-- Made by scripts/errors-page.mjs from the tables in packages/*/src. -->

Everything that fails while libtrace is set up throws a typed error with a \`code\` from this page, a message that says
what was tried, and a \`remedy\`. The command prints \`error CODE: …\` and \`remedy: …\` and exits with 1 (2 for wrong usage);
\`LIBTRACE_DEBUG=1\` adds the stack.

While data flows nothing is thrown: what could not be shown is counted where it was dropped (\`tracer.stats()\`, the
summary of \`libtrace trace\`), and a record says in \`missing\` what it lacks.

## \`LibtraceError\` (@libtrace/core)

Besides \`code\`, \`message\` and \`remedy\`: \`phase\` (\`validate\`, \`load\`, \`attach\`, \`run\`, \`detach\`), \`plugin\` where one is
concerned, and \`cause\`.

${table(core)}

## \`BpfError\` (@libtrace/native)

Besides \`code\`, \`message\` and \`remedy\`: \`operation\` (what was tried), \`errno\` (\`EPERM\`, …), and \`log\` (the end of the
verifier's or libbpf's output).

${table(native)}

## The command (@libtrace/cli)

Besides the codes above, and those of the system for files and programs (\`ENOENT\`, \`EACCES\`, \`ENOSPC\`, …):

${table(command)}
`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const from = (name) =>
    import(new URL(join('../packages', name, 'dist/index.js'), import.meta.url).href);
  const [{ errorCodes }, { ERROR_CODES }, { commandErrorCodes }] = await Promise.all(
    ['core', 'native', 'cli'].map(from),
  );
  writeFileSync(path, errorsPage(errorCodes, ERROR_CODES, commandErrorCodes));
}
