// SPDX-License-Identifier: Apache-2.0
// A program file that is written in place while probes are in it: what runs next computes what it should.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished } from 'vitest';
import { privateRoot } from './harness/private-programs.js';
import { live } from './harness/requirements.js';
import { StartedProgram } from './harness/started-program.js';
import { timeScale, until } from './harness/time-scale.js';
import { traceTlsOfShell } from './harness/tls-tracing.js';

const source = fileURLToPath(new URL('programs/rewritten.c', import.meta.url));
const rounds = timeScale === 1 ? 20 : 5;

/** Both builds of programs/rewritten.c, and the place of the file that is first the one and then the other. */
function builds(): { readonly app: string; readonly versions: readonly [Buffer, Buffer] } {
  const directory = mkdtempSync(join(privateRoot(), 'rewritten-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const build = (version: number): Buffer => {
    const output = join(directory, `version-${version}`);
    const options = ['-O2', '-Wall', '-Wextra', '-no-pie', '-rdynamic', `-DVERSION=${version}`];
    execFileSync('gcc', [...options, '-o', output, source], { stdio: 'inherit' });
    return readFileSync(output);
  };
  return { app: join(directory, 'app'), versions: [build(1), build(2)] };
}

live(
  `a program that is written in place runs as it was written, ${rounds} times`,
  ['gcc'],
  async () => {
    const { app, versions } = builds();
    writeFileSync(app, versions[0]);
    chmodSync(app, 0o755);
    const { ino } = statSync(app);
    const shell = new StartedProgram('/bin/sh', ['-c', `while read how; do "${app}" $how; done`]);
    onTestFinished(() => shell.stop('SIGKILL'));
    const tracing = await traceTlsOfShell([shell.pid]);
    const probes = (): number => {
      const { binaries } = tracing.tracer.report();
      return binaries
        .filter(({ path }) => path === app)
        .reduce((sum, { probes }) => sum + probes.filter(({ attached }) => attached).length, 0);
    };
    const say = (line: string): boolean => shell.child.stdin!.write(`${line}\n`);
    const right = (version: number): RegExp => new RegExp(`^${version} right `);

    for (let round = 0; round < rounds; round++) {
      say('again');
      expect(await shell.line()).toMatch(right(1));
      await until('it is probed', () => probes() >= 2);
      say('.');
      expect(await shell.line(), 'with probes').toMatch(right(1));
      say('');
      expect(probes(), 'while nobody runs it').toBeGreaterThanOrEqual(2);

      await until('it has ended', () => written(app, versions[1]));
      await sleep(300 * timeScale);
      for (let run = 0; run < 3; run++) {
        say('');
        expect(await shell.line(), `round ${round}, run ${run}`).toMatch(right(2));
      }
      await until('it has ended', () => written(app, versions[0]));
      await sleep(300 * timeScale);
    }
    expect(statSync(app).ino).toBe(ino);
    shell.child.stdin!.end();
  },
  240_000 * timeScale,
);

/** Writes into the file as `cat >` does; false while it runs. */
function written(path: string, content: Buffer): boolean {
  try {
    writeFileSync(path, content);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ETXTBSY') return false;
    throw error;
  }
}
