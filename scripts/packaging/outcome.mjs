// SPDX-License-Identifier: Apache-2.0
// Counts checks and prints each; a check that throws failed, and says why.
import { spawn } from 'node:child_process';

export class Outcome {
  passed = 0;
  failed = 0;

  /** @param {() => unknown} body throws when the check fails; may be asynchronous */
  async check(name, body) {
    const startMs = performance.now();
    try {
      await body();
      this.passed++;
      console.log(`✓ ${name} (${((performance.now() - startMs) / 1000).toFixed(1)} s)`);
      return true;
    } catch (error) {
      this.failed++;
      console.log(`✗ ${name}\n${String(error.message ?? error).replace(/^/gm, '    ')}`);
      return false;
    }
  }
}

/** Runs a command; rejects with the end of its output when it fails. Resolves with its standard output. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      // npm passes its own settings on in the environment: a package outside must not see those of this one.
      env: Object.fromEntries(
        Object.entries(process.env).filter(([name]) => !/^npm_(?!config_)/.test(name)),
      ),
      ...options,
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(stdout);
      const output = `${stdout}\n${stderr}`.trim().split('\n').slice(-60).join('\n');
      reject(new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}:\n${output}`));
    });
  });
}
