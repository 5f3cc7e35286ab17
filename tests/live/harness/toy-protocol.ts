// SPDX-License-Identifier: Apache-2.0
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { AnyProtocol, ByteView } from '@libtrace/core';
import { onTestFinished } from 'vitest';
import { StartedProgram } from './started-program.js';
import { until } from './time-scale.js';

const HEADER = 4;
/** Longer messages are not of this protocol. */
const LONGEST = 1000;

export interface ToyOptions {
  readonly name?: string;
  readonly strength?: 'certain' | 'likely';
}

function messageLength(view: ByteView, at: number): number | undefined {
  const length = view.u32(at);
  const type = view.u8(at + HEADER);
  if (length < 1 || length > LONGEST || (type !== 0x51 && type !== 0x53)) return undefined;
  return HEADER + length;
}

/** The protocol of programs/header-first.py. A header alone says nothing: the rules want the length of both. */
export function toy({ name = 'toy', strength = 'certain' }: ToyOptions = {}): AnyProtocol {
  const rule = (says: 'request' | 'response', type: string) => ({
    says,
    strength,
    when: {
      kind: 'all',
      of: [
        {
          kind: 'cmp',
          op: 'eq',
          left: { at: 0, width: 4, plus: HEADER },
          right: { length: true },
        },
        { kind: 'bytes', at: HEADER, anyOf: [type] },
      ],
    },
  });
  const plugin = {
    kind: 'protocol',
    apiVersion: 1,
    name,
    transports: ['tcp'],
    inference: { rules: [rule('request', 'Q'), rule('response', 'S')], carryHeaderBytes: HEADER },
    matching: { mode: 'in-order' },
    createParser: () => ({
      parse: (_side: string, view: ByteView) => {
        if (view.available < HEADER + 1) return { status: 'more', atLeast: HEADER + 1 };
        const length = messageLength(view, 0);
        if (length === undefined) return { status: 'invalid', why: 'no length' };
        if (view.available < length) return { status: 'more', atLeast: length };
        return { status: 'frame', frame: view.latin1(HEADER + 1, length), consumed: length };
      },
      resync: (_side: string, view: ByteView, after: string) => {
        for (let at = after === 'hole' ? 0 : 1; at + HEADER < view.available; at++)
          if (messageLength(view, at) !== undefined) return at;
        return -1;
      },
    }),
    toRecord: ({ request, response }: Record<string, { frame: string } | undefined>) => ({
      operation: request?.frame ?? response?.frame ?? '?',
      status: 'ok',
      attributes: {},
    }),
  };
  return plugin as unknown as AnyProtocol;
}

/** A running programs/header-first.py, and a client of it in this process, which no tracer sees. */
export class ToyServer {
  readonly program: StartedProgram;
  readonly port: number;
  readonly #noise: number;

  private constructor(program: StartedProgram, port: number, noise: number) {
    this.program = program;
    this.port = port;
    this.#noise = noise;
  }

  static async started(noise: number | 'http'): Promise<ToyServer> {
    const script = fileURLToPath(new URL('../programs/header-first.py', import.meta.url));
    const program = new StartedProgram('/usr/bin/python3', [script, String(noise)]);
    onTestFinished(() => program.stop());
    const { port } = JSON.parse(await program.line()) as { port: number };
    return new ToyServer(program, port, noise === 'http' ? 0 : noise);
  }

  get pid(): number {
    return this.program.pid;
  }

  async connect(): Promise<ToyClient> {
    const socket = connect(this.port, '127.0.0.1');
    onTestFinished(() => void socket.destroy());
    await until('a connection', () => socket.readyState === 'open');
    return new ToyClient(socket, this.#noise);
  }
}

export class ToyClient {
  readonly #socket: Socket;
  readonly #noise: number;
  #received = 0;

  constructor(socket: Socket, noise: number) {
    this.#socket = socket;
    this.#noise = noise;
    socket.setNoDelay(true);
    socket.on('data', (data) => (this.#received += data.length));
  }

  /** The bytes that are no messages, there and back. */
  makeNoise(): Promise<void> {
    return this.#exchange(Buffer.alloc(this.#noise, 'x'), this.#noise);
  }

  /** A call: its text is the operation of its record. */
  call(text: string): Promise<void> {
    const message = Buffer.alloc(HEADER + 1 + text.length);
    message.writeUInt32BE(1 + text.length);
    message.write(`Q${text}`, HEADER, 'latin1');
    return this.#exchange(message, message.length);
  }

  async calls(name: string, count: number): Promise<string[]> {
    const texts = Array.from({ length: count }, (_, i) => `${name}-${i + 1}`);
    for (const text of texts) await this.call(text);
    return texts;
  }

  http(path: string): Promise<void> {
    const response = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
    return this.#exchange(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`), response.length);
  }

  async #exchange(bytes: Buffer, answer: number): Promise<void> {
    const wanted = this.#received + answer;
    this.#socket.write(bytes);
    await until('an answer', () => this.#received === wanted);
  }
}
