// SPDX-License-Identifier: Apache-2.0
// The code blocks of a Markdown page.

/**
 * @typedef {object} CodeBlock
 * @property {string} language `ts`, `json`, …; `''` when the fence names none
 * @property {string | undefined} file what stands behind the language: the file that the block is (a part of)
 * @property {number} line line of the page on which the code begins, from 1
 * @property {string} code
 */

/** Fenced blocks in order. @param {string} page Markdown @returns {CodeBlock[]} */
export function codeBlocks(page) {
  const blocks = [];
  let open;
  for (const [index, text] of page.split('\n').entries()) {
    const [, indent, fence, info] = /^( *)(`{3,}|~{3,})(.*)$/.exec(text) ?? [];
    if (open !== undefined && fence?.startsWith(open.fence) && info.trim() === '') {
      const { fence: _fence, indent: _indent, lines, ...block } = open;
      blocks.push({ ...block, code: lines.map((line) => `${line}\n`).join('') });
      open = undefined;
    } else if (open !== undefined) {
      open.lines.push(text.startsWith(open.indent) ? text.slice(open.indent.length) : text);
    } else if (fence !== undefined) {
      const [language = '', file] = info.trim().split(/\s+/);
      open = { fence, indent, language, file, line: index + 2, lines: [] };
    }
  }
  if (open !== undefined) throw new Error(`the block at line ${open.line} has no end`);
  return blocks;
}

/**
 * A page's blocks as files. Blocks of one name are its parts, in order; TypeScript without a name stands for itself.
 * @param {string} page Markdown
 * @returns {Map<string, { line: number, code: string }[]>} parts by path
 */
export function codeFiles(page) {
  const files = new Map();
  for (const { language, file, line, code } of codeBlocks(page)) {
    if (file === undefined && language !== 'ts') continue;
    const path = file ?? `line-${line}.ts`;
    files.set(path, [...(files.get(path) ?? []), { line, code }]);
  }
  return files;
}
