// SPDX-License-Identifier: Apache-2.0
import { createRequire } from 'node:module';
import type * as Iced from 'iced-x86';

let loaded: typeof Iced | undefined;

/** iced-x86, loaded when something is planned: it is a megabyte of WebAssembly. */
export function iced(): typeof Iced {
  loaded ??= createRequire(import.meta.url)('iced-x86') as typeof Iced;
  return loaded;
}

/** Decodes one instruction, and frees it when the function has returned. */
export function withX86<T>(
  { bytes, address }: { readonly bytes: Buffer; readonly address: number },
  use: (instruction: Iced.Instruction) => T,
): T {
  const { Decoder, DecoderOptions } = iced();
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = BigInt(address);
  const instruction = decoder.decode();
  try {
    return use(instruction);
  } finally {
    instruction.free();
    decoder.free();
  }
}
