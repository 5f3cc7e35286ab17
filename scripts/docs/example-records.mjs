// SPDX-License-Identifier: Apache-2.0
// The records that docs/records.md shows, read from recordings of real programs.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {object} Chapter
 * @property {string} title
 * @property {string} protocol name of the plugin
 * @property {string} about what operation and status mean for it
 * @property {readonly Example[]} examples
 *
 * @typedef {object} Example
 * @property {string} caption unique
 * @property {string} file recording, from the root
 * @property {(record: import('@libtrace/core').TraceRecord) => boolean} isWanted the first such record is shown
 */

const root = fileURLToPath(new URL('../..', import.meta.url));

/** @type {readonly Chapter[]} */
export const chapters = [];

/**
 * Reads the examples' records.
 * @param {object} packages what the packages export
 * @param {typeof import('@libtrace/core').createReader} packages.createReader
 * @param {typeof import('@libtrace/cli').toRecordJson} packages.toRecordJson
 * @param {readonly import('@libtrace/core').AnyPlugin[]} packages.plugins
 * @returns {Promise<Map<string, object>>} by caption, as in `--format json`
 */
export async function exampleRecords({ createReader, toRecordJson, plugins }) {
  const records = new Map();
  for (const { caption, file, isWanted } of chapters.flatMap(({ examples }) => examples)) {
    for await (const record of createReader({ plugins, file: join(root, file) })) {
      if (isWanted(record)) records.set(caption, records.get(caption) ?? toRecordJson(record));
    }
    if (!records.has(caption)) throw new Error(`${file} holds no record for: ${caption}`);
  }
  return records;
}
