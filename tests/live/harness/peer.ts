// SPDX-License-Identifier: Apache-2.0
import { inject, onTestFinished } from 'vitest';
import { StartedProgram } from './started-program.js';
import { timeScale } from './time-scale.js';

/** How bytes are moved: the system calls are listed in programs/peer/peer.h. */
export type Io = 'plain' | 'socket' | 'vector' | 'message' | 'messages' | 'bytes' | 'file' | 'peek';

/** Options of programs/peer; what each means is said in peer.h. */
export interface PeerOptions {
  readonly address?: string;
  readonly read?: Io;
  readonly write?: Io;
  readonly answer?: 'self' | 'dup' | 'pass';
  readonly body?: number;
  readonly size?: number;
  readonly chunk?: number;
  readonly piece?: number;
  readonly connections?: number;
  readonly pipeline?: number;
  readonly workers?: number;
  readonly dieAt?: number;
  readonly batch?: 1;
  readonly halfClose?: 1;
  readonly nonblocking?: 1;
  readonly connected?: 1;
}

/** The path of the program, whose name is its comm. */
export const peerPath = (): string => inject('peer');

function start(role: string, options: object, path: string): StartedProgram {
  const args = Object.entries(options).map(([name, value]) => `${name}=${String(value)}`);
  const program = new StartedProgram(path, [role, `seconds=${30 * timeScale}`, ...args]);
  onTestFinished(() => program.stop());
  return program;
}

/** A running server. */
export interface PeerServer {
  readonly program: StartedProgram;
  readonly pid: number;
  readonly port: number;
  /** Its worker processes, with `workers`. */
  readonly workers: readonly number[];
  /** The process that answers, with `answer: 'pass'`; else 0. */
  readonly helper: number;
}

/** Starts a server and waits until it listens. */
export async function startServer(
  options: PeerOptions = {},
  role: 'server' | 'datagram-server' = 'server',
  path = peerPath(),
): Promise<PeerServer> {
  const program = start(role, options, path);
  const said = JSON.parse(await program.line()) as Omit<PeerServer, 'program'>;
  return { ...said, program };
}

/** A client that waits for orders. */
export class PeerClient {
  readonly program: StartedProgram;
  /** Its ports, one a connection. */
  ports: readonly number[] = [];

  constructor(
    scenario: string,
    server: { readonly port: number },
    options: PeerOptions = {},
    role: 'client' | 'datagram-client' = 'client',
    path = peerPath(),
  ) {
    this.program = start(role, { scenario, port: server.port, ...options }, path);
  }

  get pid(): number {
    return this.program.pid;
  }

  async connect(): Promise<void> {
    this.ports = (await this.program.ask<{ ports: number[] }>('connect')).ports;
  }

  /** `count` requests on each connection, numbered from `first`; false when the server ended a connection. */
  async run(first: number, count: number): Promise<boolean> {
    const said = await this.program.ask<{ responses?: number }>(`run ${first} ${count}`);
    return said.responses !== undefined;
  }

  async close(): Promise<void> {
    await this.program.ask('close');
  }
}

/** Both ends of a socketpair, in a process and its child. */
export async function startPair(
  scenario: string,
  options: PeerOptions = {},
): Promise<{
  readonly program: StartedProgram;
  readonly pid: number;
  readonly workers: readonly number[];
}> {
  const program = start('pair', { scenario, ...options }, peerPath());
  return { ...(JSON.parse(await program.line()) as { pid: number; workers: number[] }), program };
}
