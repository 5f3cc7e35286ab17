import { addon } from './addon.js';
import { BpfError } from './errors.js';
import { probeFrom, programTypeId } from './probe.js';
import type { Probe } from './probe.js';

/** One instruction: opcode u8, dst:4 src:4, offset i16, immediate i32. */
function instruction(opcode: number, registers: number, offset: number, immediate: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes[0] = opcode;
  bytes[1] = registers;
  bytes.writeInt16LE(offset, 2);
  bytes.writeInt32LE(immediate, 4);
  return bytes;
}

const RETURN_0 = [instruction(0xb7, 0, 0, 0), instruction(0x95, 0, 0, 0)];

/** Whether the verifier accepts a program. */
function accepts(instructions: readonly Buffer[], what: string): Probe {
  const type = programTypeId('probe', 'tracepoint');
  const { fd, error } = addon().programLoad(
    type,
    Buffer.concat(instructions),
    'GPL',
    '',
    0,
    0,
    0,
    0,
  );
  if (fd >= 0) addon().closeFd(fd);
  return probeFrom(fd >= 0 ? 1 : -error, what);
}

/** Loops whose end the verifier can see: `r0 = 8; again: r0 -= 1; if r0 != 0 goto again; exit`. */
export function probeBoundedLoops(): Probe {
  const loop = [
    instruction(0xb7, 0, 0, 8),
    instruction(0x17, 0, 0, 1),
    instruction(0x55, 0, -2, 0),
  ];
  return accepts([...loop, instruction(0x95, 0, 0, 0)], 'bounded loops');
}

/** Programs of more than 4,096 instructions. */
export function probeLargePrograms(): Probe {
  const many = Array.from({ length: 4200 }, () => instruction(0xb7, 0, 0, 0));
  return accepts([...many, ...RETURN_0], 'programs of more than 4,096 instructions');
}

/** Globals: the address of a map's value as a constant in a program. */
export function probeGlobalData(): Probe {
  const type = addon().mapTypeId('array');
  let map = -1;
  try {
    map = addon().mapCreate(type, '', 4, 8, 1, 0);
    const address = [instruction(0x18, 0x21, 0, map), instruction(0, 0, 0, 0)];
    return accepts([...address, ...RETURN_0], 'global data');
  } catch (error) {
    if (error instanceof BpfError) return probeFrom(-error.errnoNumber, 'global data');
    throw error;
  } finally {
    if (map >= 0) addon().closeFd(map);
  }
}
