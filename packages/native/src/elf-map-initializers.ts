/**
 * Takes programs out of the static initializers of PROG_ARRAY maps in a BPF object file.
 *
 * `.values = { [0] = (void *)&program }` is a relocation of section `.maps` to the program's symbol. libbpf fills the
 * slot after loading and fails as a whole when that program is not loaded; without the relocation the slot is empty.
 *
 * ```
 * Elf64_Shdr (64 bytes):  name u32, type u32, flags u64, addr u64, offset u64, size u64, link u32, info u32, …
 * Elf64_Rel  (16 bytes):  offset u64, info u64 (symbol index in the upper half)
 * Elf64_Sym  (24 bytes):  name u32, info u8, other u8, section u16, value u64, size u64
 * ```
 */

const SHT_REL = 9;
const SECTION_BYTES = 64;
const RELOCATION_BYTES = 16;
const SYMBOL_BYTES = 24;

interface Section {
  readonly header: number;
  readonly name: number;
  readonly type: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

function sections(elf: Buffer): Section[] {
  const table = Number(elf.readBigUInt64LE(40));
  const count = elf.readUInt16LE(60);
  return Array.from({ length: count }, (_, index) => {
    const header = table + index * SECTION_BYTES;
    return {
      header,
      name: elf.readUInt32LE(header),
      type: elf.readUInt32LE(header + 4),
      offset: Number(elf.readBigUInt64LE(header + 24)),
      size: Number(elf.readBigUInt64LE(header + 32)),
      link: elf.readUInt32LE(header + 40),
      info: elf.readUInt32LE(header + 44),
    };
  });
}

function text(elf: Buffer, position: number): string {
  const end = elf.indexOf(0, position);
  return elf.toString('latin1', position, end < 0 ? elf.length : end);
}

/**
 * @param object - a little-endian 64-bit BPF object file that libbpf has accepted
 * @param programs - names of programs that will not be loaded
 * @returns the same bytes when nothing had to be taken out, else a changed copy
 */
export function withoutProgramReferences(object: Buffer, programs: ReadonlySet<string>): Buffer {
  if (programs.size === 0) return object;
  const all = sections(object);
  const names = all[object.readUInt16LE(62)];
  if (names === undefined) return object;
  let copy: Buffer | undefined;
  for (const section of all) {
    const target = all[section.info];
    if (section.type !== SHT_REL || target === undefined) continue;
    if (text(object, names.offset + target.name) !== '.maps') continue;
    const symbols = all[section.link];
    const strings = symbols === undefined ? undefined : all[symbols.link];
    if (symbols === undefined || strings === undefined) continue;
    const kept: Buffer[] = [];
    for (
      let at = section.offset;
      at + RELOCATION_BYTES <= section.offset + section.size;
      at += RELOCATION_BYTES
    ) {
      const symbol = symbols.offset + object.readUInt32LE(at + 12) * SYMBOL_BYTES;
      const name = text(object, strings.offset + object.readUInt32LE(symbol));
      if (!programs.has(name)) kept.push(object.subarray(at, at + RELOCATION_BYTES));
    }
    const relocations = Buffer.concat(kept);
    if (relocations.length === section.size) continue;
    copy ??= Buffer.from(object);
    relocations.copy(copy, section.offset);
    copy.writeBigUInt64LE(BigInt(relocations.length), section.header + 32);
  }
  return copy ?? object;
}
