// SPDX-License-Identifier: Apache-2.0
import { LibtraceError } from '../errors.js';
import type { ElfImage, ProbePlan, ProbeSpec, UprobePlugin } from '../plugin/uprobe.js';
import type { BinaryStatus, ProbeStatus } from '../tracer/types.js';
import { openElf } from './open-elf.js';
import { planProbe } from './plan-probe.js';
import type { PlanConditions } from './planned-probe.js';

/**
 * What sources of plaintext make of a program file, and where their probes would be. Nothing is attached.
 * @param conditions what the kernel allows. Default: its return probes are safe
 * @returns one status for each source that has something to say about the file; none when none has
 * @throws LibtraceError `ERR_ELF_INVALID`, `ERR_ELF_UNSUPPORTED`, `ERR_FILE_READ`
 */
export function inspectBinary(
  path: string,
  sources: readonly UprobePlugin[],
  conditions: PlanConditions = { safeReturnProbes: true },
): readonly BinaryStatus[] {
  using image = openElf(path);
  return sources
    .filter((source) => wants(source, image))
    .map((source) => statusOf(source, image, conditions))
    .filter((status) => status !== undefined);
}

function wants(source: UprobePlugin, image: ElfImage): boolean {
  try {
    return source.wants(image.binary);
  } catch {
    // It is asked again by `inspect`, which says what it throws.
    return true;
  }
}

function statusOf(
  source: UprobePlugin,
  image: ElfImage,
  conditions: PlanConditions,
): BinaryStatus | undefined {
  const common = {
    path: image.binary.path,
    source: source.name,
    summary: '',
    details: [],
    attached: false,
    probes: [],
    processes: 0,
  };
  let plan: ReturnType<UprobePlugin['inspect']>;
  try {
    plan = source.inspect(image);
  } catch (error) {
    return { ...common, reason: messageOf(error) };
  }
  if (plan === undefined) return undefined;
  if ('reason' in plan) return { ...common, ...plan };
  return { ...common, ...probesOf(plan, image, conditions) };
}

function probesOf(plan: ProbePlan, image: ElfImage, conditions: PlanConditions) {
  const failures: string[] = [];
  const probes = plan.probes.flatMap((spec) => {
    try {
      return placesOf(spec, image, conditions);
    } catch (error) {
      if (spec.optional !== true) failures.push(messageOf(error));
      return [unplaced(spec, image, messageOf(error))];
    }
  });
  return {
    summary: plan.summary,
    details: plan.details ?? [],
    probes,
    ...(failures[0] === undefined ? {} : { reason: failures[0] }),
  };
}

function placesOf(spec: ProbeSpec, image: ElfImage, conditions: PlanConditions): ProbeStatus[] {
  const { program } = spec;
  if ('fileOffset' in spec) {
    const { label: place, fileOffset } = spec;
    return [{ program, place, fileOffset, kind: 'address', attached: false }];
  }
  return planProbe(image, spec, conditions).map(({ fileOffset, kind, instruction, why }) => ({
    program,
    place: spec.function.name,
    fileOffset,
    kind,
    instruction,
    why,
    attached: false,
  }));
}

function unplaced(spec: ProbeSpec, image: ElfImage, reason: string): ProbeStatus {
  const { program } = spec;
  if ('fileOffset' in spec) {
    const { label: place, fileOffset } = spec;
    return { program, place, fileOffset, kind: 'address', attached: false, reason };
  }
  const fileOffset = image.fileOffset(spec.function.address) ?? 0;
  return {
    program,
    place: spec.function.name,
    fileOffset,
    kind: spec.when,
    attached: false,
    reason,
  };
}

function messageOf(error: unknown): string {
  if (error instanceof LibtraceError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
