// SPDX-License-Identifier: Apache-2.0
// programs/tls: a server and a client in C over the system's libssl, from private copies.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { certificate, SERVER_NAME } from './certificate.js';
import { PrivatePrograms, type PrivateProgram } from './private-programs.js';
import type { StartedProgram } from './started-program.js';
import type { Told } from './tls-calls.js';
import { startClient, startSaid, type TlsServer } from './tls-servers.js';

/** Options of programs/tls; what each means is said in its peer.h. */
export interface LibsslOptions {
  readonly io?: 'fd' | 'bio' | 'poll' | 'memory' | 'nested' | 'jump';
  readonly read?: 'plain' | 'ex' | 'peek' | 'small';
  readonly write?: 'plain' | 'ex';
  readonly tls?: '1.2' | '1.3';
  readonly body?: number;
  readonly size?: number;
  readonly renegotiate?: number;
  readonly perConnection?: number;
  readonly object?: 'new' | 'clear';
  readonly sendBuffer?: number;
}

const sources = fileURLToPath(new URL('../programs/tls/', import.meta.url));
const builds = fileURLToPath(new URL('../build/', import.meta.url));

/** Compiles programs/tls unless that was done for the same sources. */
function compiled(): string {
  const names = readdirSync(sources).sort();
  const hash = createHash('sha256').update(process.arch);
  for (const name of names) hash.update(name).update(readFileSync(join(sources, name)));
  const directory = join(builds, `tls-${hash.digest('hex').slice(0, 16)}`);
  const output = join(directory, 'libssl-peer');
  if (existsSync(output)) return output;
  mkdirSync(directory, { recursive: true });
  const files = names.filter((name) => name.endsWith('.c')).map((name) => join(sources, name));
  const unfinished = `${output}.${process.pid}`;
  const options = ['-O2', '-Wall', '-Wextra', '-pthread', '-o', unfinished];
  execFileSync('gcc', [...options, ...files, '-lssl', '-lcrypto'], { stdio: 'inherit' });
  renameSync(unfinished, output);
  return output;
}

const program = (): PrivateProgram => PrivatePrograms.shared().file(compiled());

const dashed = (name: string): string =>
  name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

const argumentsOf = (options: LibsslOptions): string[] =>
  Object.entries(options).map(([name, value]) => `--${dashed(name)}=${value as string | number}`);

/** A server with a thread for each connection. */
export function startLibsslServer(options: LibsslOptions = {}): Promise<TlsServer> {
  const { key, certificate: cert } = certificate();
  return startSaid(program(), ['server', key, cert, ...argumentsOf(options)]);
}

/** A client and a server in one process. */
export function startLibsslPair(options: LibsslOptions = {}): Promise<TlsServer> {
  const { key, certificate: cert } = certificate();
  return startSaid(program(), ['pair', key, cert, SERVER_NAME, ...argumentsOf(options)]);
}

/** A client that waits for orders. */
export function startLibsslClient(options: LibsslOptions = {}): Promise<StartedProgram> {
  const { certificate: cert } = certificate();
  return startClient(program(), ['client', cert, SERVER_NAME, ...argumentsOf(options)]);
}

/** Requests `first` to `first + count - 1`, by so many threads at once. */
export function runLibssl(
  client: StartedProgram,
  port: number,
  first: number,
  count: number,
  atOnce = 1,
): Promise<Told[]> {
  return client.ask(`run ${port} ${first} ${count} ${atOnce}`);
}
