// SPDX-License-Identifier: Apache-2.0
// What the tests use of npm's ws, which has no types of its own.
declare module 'ws' {
  import type { EventEmitter } from 'node:events';

  export interface SendOptions {
    readonly binary?: boolean;
    readonly compress?: boolean;
    readonly fin?: boolean;
  }
  export class WebSocket extends EventEmitter {
    constructor(url: string, options?: { readonly perMessageDeflate?: boolean });
    send(data: string | Buffer, options?: SendOptions): void;
    ping(data?: string): void;
    close(code?: number, reason?: string): void;
    terminate(): void;
  }
  export class WebSocketServer extends EventEmitter {
    constructor(options: {
      readonly port: number;
      readonly host: string;
      readonly perMessageDeflate?: boolean;
    });
    address(): { readonly port: number };
    close(): void;
  }
}
