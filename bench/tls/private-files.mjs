// SPDX-License-Identifier: Apache-2.0
// Copies of programs and libraries: a probe sits in a file, and these are nobody else's.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** What a copy has in it that may be probed. */
const probed = ['SSL_read', 'SSL_write', '\xff Go buildinf:'];

/** A directory of copies; only what is below it may be probed. */
export class PrivateFiles {
  /** @param {string} prefix */
  constructor(prefix = 'libtrace-bench-tls-') {
    this.directory = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), prefix)));
    this.libraries = join(this.directory, 'lib');
    fs.mkdirSync(this.libraries);
  }

  /**
   * Copies a program and every library that it maps.
   * @param {string} path @param {string} [name]
   * @returns {readonly string[]} the beginning of a command line that runs the copy with the copies
   */
  program(path, name = basename(path)) {
    const copy = join(this.directory, name);
    if (!fs.existsSync(copy)) {
      this.#libraries(path);
      fs.copyFileSync(fs.realpathSync(path), copy, fs.constants.COPYFILE_FICLONE);
    }
    return ['/usr/bin/env', `LD_LIBRARY_PATH=${this.libraries}`, copy];
  }

  #libraries(path) {
    // A static program has none, and ldd fails for it.
    let said = '';
    try {
      said = execFileSync('ldd', [path], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    } catch (error) {
      if (!/not a dynamic executable/.test(`${error.stdout}${error.stderr}`)) throw error;
    }
    for (const [, name, file] of said.matchAll(/^\s+(\S+) => (\/\S+) \(0x/gm)) {
      const copy = join(this.libraries, name);
      if (!fs.existsSync(copy))
        fs.copyFileSync(fs.realpathSync(file), copy, fs.constants.COPYFILE_FICLONE);
    }
  }

  /**
   * Makes sure that whatever of a process may be probed is a copy.
   * @param {number} pid @throws {Error} when it is not
   */
  assertPrivate(pid) {
    const maps = fs.readFileSync(`/proc/${pid}/maps`, 'latin1');
    for (const [, path] of maps.matchAll(/^\S+ ..x. \S+ \S+ \d+ +(\/.*)$/gm)) {
      if (path.startsWith(`${this.directory}/`)) continue;
      const bytes = fs.readFileSync(path);
      if (probed.some((word) => bytes.includes(word, 0, 'latin1')))
        throw new Error(`process ${pid} uses ${path}, which is not private`);
    }
    const exe = fs.realpathSync(`/proc/${pid}/exe`);
    if (!exe.startsWith(`${this.directory}/`)) throw new Error(`process ${pid} runs ${exe}`);
  }

  remove() {
    fs.rmSync(this.directory, { recursive: true, force: true });
  }
}
