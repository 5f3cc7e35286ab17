// SPDX-License-Identifier: Apache-2.0
import type { PluginApiVersion } from './protocol.js';

/** A compiled BPF object that a plugin's package ships. */
export interface BpfObjectRef {
  /** Where it is: `new URL('../bpf/openssl.bpf.o', import.meta.url)`. */
  readonly url: URL;
}

/** Instruction set of a program file. */
export type Machine = 'x86_64' | 'aarch64';

/** One executable or library, identified by what does not change when it is mapped again. */
export interface BinaryRef {
  /** Path in the mount namespace of the process that maps it; the path that the user gave for one that none maps. */
  readonly path: string;
  /** Device that holds the file, as `stat` tells it. */
  readonly device: number;
  /** Inode number on that device. */
  readonly inode: number;
  /** True for the main executable of a process, false for a library that one maps. */
  readonly isExecutable: boolean;
}

/** A symbol of a program file. */
export interface ElfSymbol {
  /** Name, without a version. */
  readonly name: string;
  /** Virtual address, as linked. */
  readonly address: number;
  /** Where that is in the file; undefined when it is not in the file. */
  readonly fileOffset: number | undefined;
  /** Bytes; 0 when the file does not say. */
  readonly size: number;
  /** Whether it is code. */
  readonly isFunction: boolean;
  /** `dynamic`: of `.dynsym`, which stripping leaves; `static`: of `.symtab`. */
  readonly table: 'dynamic' | 'static';
}

/** A section of a program file. */
export interface ElfSection {
  /** Name: `.text`. */
  readonly name: string;
  /** Virtual address; 0 when it is not loaded. */
  readonly address: number;
  /** Where it begins in the file. */
  readonly fileOffset: number;
  /** Bytes in memory, or in the file when it is not loaded. */
  readonly size: number;
}

/** A function, wherever its bounds were learned from. */
export interface FunctionRange {
  /** For messages and `doctor`. */
  readonly name: string;
  /** Virtual address of its first instruction, as linked. */
  readonly address: number;
  /** Bytes of code. */
  readonly size: number;
}

/** A place of a USDT probe (`.note.stapsdt`). */
export interface UsdtPlace {
  /** Where the instruction is in the file. */
  readonly fileOffset: number;
  /** Where the semaphore is in the file; undefined when there is none. */
  readonly semaphoreOffset: number | undefined;
  /** The arguments as the note describes them: `-4@%edi 8@%rsi`. */
  readonly arguments: string;
}

/** A program file, read on demand. What is broken in it is a typed error (`ERR_ELF_*`), never anything else. */
export interface ElfImage {
  /** Which file. */
  readonly binary: BinaryRef;
  /** Instruction set. */
  readonly machine: Machine;
  /** Build id in hexadecimal (`.note.gnu.build-id`), if there is one. */
  readonly buildId: string | undefined;
  /** Position-independent: linked at 0, loaded anywhere. */
  readonly isRelocatable: boolean;
  /** What the dynamic linker is told about it; nothing in it for a program that is linked statically. */
  readonly dynamic: {
    /** Libraries that it needs, in order (`DT_NEEDED`): `libssl.so.3`. */
    readonly needed: readonly string[];
    /** Directories where they are looked for (`DT_RUNPATH`), as the file has them: `$ORIGIN/../lib`. */
    readonly runpath: readonly string[];
    /** The older form (`DT_RPATH`). Without meaning when there is a {@link runpath}. */
    readonly rpath: readonly string[];
    /** Name that others need it by (`DT_SONAME`), if it is a library that says so. */
    readonly soname: string | undefined;
  };
  /**
   * A symbol that the file defines, by name: dynamic ones first, then static ones. Of several with the name, the default
   * version and the more visible one.
   */
  symbol(name: string): ElfSymbol | undefined;
  /** All symbols that the file defines, dynamic ones first. Large files have hundreds of thousands. */
  symbols(): Iterable<ElfSymbol>;
  /** A section by name. */
  section(name: string): ElfSection | undefined;
  /** Bytes of a section (decompressed if need be), at most `maxBytes` of them. Default 64 MiB. */
  sectionBytes(name: string, maxBytes?: number): Buffer | undefined;
  /** Bytes at a virtual address; shorter where the file ends, empty where nothing is mapped from the file. */
  read(address: number, length: number): Buffer;
  /** Where a virtual address is in the file; undefined when it is not. */
  fileOffset(address: number): number | undefined;
  /** Loaded parts: address, bytes in the file, whether executable. */
  readonly segments: readonly {
    /** Virtual address. */
    readonly address: number;
    /** Where it is in the file. */
    readonly fileOffset: number;
    /** Bytes in the file. */
    readonly size: number;
    /** Holds code. */
    readonly isExecutable: boolean;
    /** May be written. */
    readonly isWritable: boolean;
  }[];
  /** Places of a USDT probe. */
  usdt(provider: string, probe: string): readonly UsdtPlace[];
  /**
   * Offset of a member in a struct, from DWARF (`.debug_info`, versions 2 to 5, compressed or not); undefined when the
   * file has none of it. `type` is the name as DWARF has it: `crypto/tls.Conn`, `ssl_st`.
   */
  memberOffset(type: string, member: string): number | undefined;
}

/** Where in a function a program runs. */
export interface FunctionProbe {
  /** Name of the program in the plugin's BPF object. */
  readonly program: string;
  /** The function. */
  readonly function: FunctionRange;
  /** `entry`: arguments are still where the caller put them. `return`: the result is in its register. */
  readonly when: 'entry' | 'return';
  /**
   * How a return may be probed. `any`: as is cheapest and safe on this kernel. `sites`: at the function's own return
   * instructions, never by a return probe that replaces the return address (Go's stacks move). Default `any`.
   */
  readonly returns?: 'any' | 'sites';
  /** Registers that must still hold what the caller put there. Default: those of the C calling convention's integer arguments. */
  readonly registers?: readonly string[];
  /** The program reads the stack relative to the stack pointer at the entry: it must not have moved. Default false. */
  readonly stack?: boolean;
  /** Go's check for stack space at the beginning of a function is stepped over: it may run twice. Default false. */
  readonly goStackCheck?: boolean;
  /** Without it the others are still placed. Default false. */
  readonly optional?: boolean;
}

/** A program at an instruction that the plugin has chosen itself. */
export interface AddressProbe {
  /** Name of the program in the plugin's BPF object. */
  readonly program: string;
  /** Where the instruction is in the file. */
  readonly fileOffset: number;
  /** For `doctor`. */
  readonly label: string;
  /** Where the semaphore of a USDT probe is in the file. */
  readonly semaphoreOffset?: number;
  /** Without it the others are still placed. Default false. */
  readonly optional?: boolean;
}

/** A probe of a plan. */
export type ProbeSpec = FunctionProbe | AddressProbe;

/** What a source wants of one file. */
export interface ProbePlan {
  /** Probes, all in this file. */
  readonly probes: readonly ProbeSpec[];
  /**
   * Values of the object's `const volatile` variables for this file (offsets that differ by version). The object is
   * loaded once for each different set.
   */
  readonly constants?: Readonly<Record<string, number | bigint>>;
  /** What was found, for people: `OpenSSL 3.0.15, dynamic symbols`. */
  readonly summary: string;
  /** What was found, line by line, for `doctor --binary`. */
  readonly details?: readonly string[];
}

/** Why a file that a source wanted cannot be probed. */
export interface NoPlan {
  /** What is missing: `no symbol SSL_read: OpenSSL is linked statically and stripped`. */
  readonly reason: string;
  /** What would help, if anything would. */
  readonly remedy?: string;
}

/** A source of plaintext above a library: a plain object made by a factory. */
export interface UprobePlugin<Name extends string = string> {
  /** Says that the plugin is a source of plaintext. */
  readonly kind: 'uprobe';
  /** Version of this interface that the plugin was written for. */
  readonly apiVersion: PluginApiVersion;
  /** Unique among active plugins; `source` of its records. Lower case. */
  readonly name: Name;
  /** Its programs. They include `plaintext_api.bpf.h` of core. */
  readonly bpf: BpfObjectRef;
  /** Cheap, by the path alone: whether the file is worth a look. Called once for every newly mapped file. */
  wants(binary: BinaryRef): boolean;
  /**
   * Reads the file; called once per file, not per process. Undefined: not for us, without a word. A {@link NoPlan}: it is
   * one of ours and cannot be probed; `doctor` and the report say why. What it throws counts as a {@link NoPlan}.
   */
  inspect(image: ElfImage): ProbePlan | NoPlan | undefined;
}

/**
 * Identity function that gives the author of a source type inference and errors at the right place.
 * @throws LibtraceError `ERR_PLUGIN_INVALID` from `createTracer`, not from here, when a field is wrong at run time.
 */
export function defineUprobe<const Name extends string>(
  plugin: UprobePlugin<Name>,
): UprobePlugin<Name> {
  return plugin;
}
