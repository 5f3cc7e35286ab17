// SPDX-License-Identifier: Apache-2.0
import { openElf } from '../elf/index.js';
import type { DynamicInfo } from './types.js';

const INTERPRETER_MAX = 256;

/** Reads what the dynamic loader reads of a program file; undefined when it is none, or is damaged. */
export function readDynamic(openPath: string): DynamicInfo | undefined {
  let image: ReturnType<typeof openElf> | undefined;
  try {
    image = openElf(openPath);
    const { needed, rpath, runpath } = image.dynamic;
    const interpreter = image.sectionBytes('.interp', INTERPRETER_MAX)?.toString('utf8');
    return {
      machine: image.machine,
      interpreter: interpreter?.replace(/\0.*/s, ''),
      needed,
      rpath,
      runpath,
    };
  } catch {
    return undefined;
  } finally {
    image?.[Symbol.dispose]();
  }
}
