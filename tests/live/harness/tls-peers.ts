// SPDX-License-Identifier: Apache-2.0
// The programs of ../programs/tls-*, from private copies.
import { fileURLToPath } from 'node:url';
import { certificate, SERVER_NAME } from './certificate.js';
import { PrivatePrograms, privateRoot } from './private-programs.js';
import { programPath } from './requirements.js';
import { StartedProgram } from './started-program.js';
import type { Told } from './tls-calls.js';
import { startClient, startPrivate, startSaid, type TlsServer } from './tls-servers.js';

const scriptPath = (name: string): string =>
  fileURLToPath(new URL(`../programs/${name}`, import.meta.url));

const peer = scriptPath('tls-peer.mjs');
const python = scriptPath('tls-python.py');

const node = (programs = PrivatePrograms.shared()) => programs.program('node');

/** A server in Node: over TLS HTTP/1.1 or HTTP/2, or without TLS. */
export function startNodeServer(
  kind: 'server' | 'server2' | 'plain',
  programs?: PrivatePrograms,
): Promise<TlsServer> {
  const { key, certificate: cert } = certificate();
  return startSaid(node(programs), [peer, kind, key, cert]);
}

/** Takes HTTPS and passes it on without TLS. */
export function startNodeProxy(backendPort: number): Promise<TlsServer> {
  const { key, certificate: cert } = certificate();
  return startSaid(node(), [peer, 'proxy', key, cert, String(backendPort)]);
}

/** Takes connections without a look into their TLS, and asks `/n/1`, … of a server for each, over TLS of its own. */
export function startSniRouter(backendPort: number): Promise<TlsServer> {
  const args = [certificate().certificate, SERVER_NAME, String(backendPort)];
  return startSaid(node(), [scriptPath('tls-sni-router.mjs'), ...args]);
}

/** A client in Node, which waits for orders. */
export class NodeClient {
  readonly program: StartedProgram;

  private constructor(program: StartedProgram) {
    this.program = program;
  }

  /** @param version the only one of TLS that it speaks */
  static async started(version?: '1.2' | '1.3'): Promise<NodeClient> {
    const limits = version === undefined ? [] : [version];
    const args = [peer, 'client', certificate().certificate, SERVER_NAME, ...limits];
    return new NodeClient(await startClient(node(), args));
  }

  get pid(): number {
    return this.program.pid;
  }

  /** Requests go to this port from now on, over connections that are kept, or over a new one each. */
  async use(port: number, mode: 'keep' | 'single', plain = false): Promise<void> {
    await this.program.ask(`agent ${port} ${mode}${plain ? ' plain' : ''}`);
  }

  /** Requests `first` to `first + count - 1`, so many at once. */
  run(first: number, count: number, atOnce = 1, prefix = '/n'): Promise<Told[]> {
    return this.program.ask(`run ${first} ${count} ${atOnce} ${prefix}`);
  }

  async openHttp2(port: number): Promise<void> {
    await this.program.ask(`open2 ${port}`);
  }

  /** The same over one connection of HTTP/2. */
  runHttp2(first: number, count: number, atOnce: number): Promise<Told[]> {
    return this.program.ask(`run2 ${first} ${count} ${atOnce}`);
  }

  async closeHttp2(): Promise<void> {
    await this.program.ask('close2');
  }
}

/** mysql2 in Node, which waits for orders. */
export function startNodeMysql(port: number): Promise<StartedProgram> {
  const { certificate: cert } = certificate();
  return startClient(node(), [scriptPath('tls-mysql.mjs'), String(port), cert]);
}

interface PythonOptions {
  /** A seccomp filter that kills it for any system call that it does not make itself: ../programs/tls-seccomp.py. */
  readonly seccomp?: boolean;
}

const pythonArgs = ({ seccomp = false }: PythonOptions, ...args: readonly string[]): string[] => [
  ...(seccomp ? [scriptPath('tls-seccomp.py')] : []),
  python,
  ...args,
];

/** A server in Python, with a thread for each connection. */
export function startPythonServer(options: PythonOptions = {}): Promise<TlsServer> {
  const { key, certificate: cert } = certificate();
  const args = pythonArgs(options, 'server', key, cert);
  return startSaid(PrivatePrograms.shared().python(), args);
}

/** A client in Python; `memory-client`: its TLS never sees the socket. Order: `run PORT FIRST COUNT AT-ONCE`. */
export function startPythonClient(
  kind: 'client' | 'memory-client',
  options: PythonOptions = {},
): Promise<StartedProgram> {
  const args = pythonArgs(options, kind, certificate().certificate, SERVER_NAME);
  return startClient(PrivatePrograms.shared().python(), args);
}

/** A client that encrypts for two connections before it sends. Order: a port; answer: [request, own port] for each. */
export function startBatchedClient(): Promise<StartedProgram> {
  const args = [scriptPath('tls-batched.py'), certificate().certificate, SERVER_NAME];
  return startClient(PrivatePrograms.shared().python(), args);
}

/** A program that does what its seccomp filter forbids. */
export function startForbidden(): StartedProgram {
  const args = [scriptPath('tls-seccomp.py'), 'forbidden'];
  return startPrivate(PrivatePrograms.shared().python(), args);
}

/** A tracer in a process of its own, with private files as the only ones that it may probe. */
export function startTracer(
  pids: readonly number[],
  source: 'openssl' | 'go' = 'openssl',
): StartedProgram {
  const script = scriptPath('plaintext-tracer.mjs');
  return new StartedProgram(programPath('env')!, [
    `LIBTRACE_PROBE_ONLY=${privateRoot()}`,
    ...[process.execPath, script, source, ...pids.map(String)],
  ]);
}
