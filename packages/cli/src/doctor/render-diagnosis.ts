// SPDX-License-Identifier: Apache-2.0
import type { HookStatus, TracerReport } from '@libtrace/core';
import type { ReturnProbes } from '@libtrace/native';
import type { Colors } from '../format/colors.js';
import { escapeText, padLeft, padRight, wrapWords } from '../format/terminal-text.js';
import { formatBytes, formatCount, formatDuration, plural } from '../format/units.js';
import type { Diagnosis } from './diagnosis.js';
import { mayTrace } from './machine-facts.js';
import type { MachineFacts } from './machine-facts.js';
import type { SourceFacts } from './source-facts.js';

type Verdict = 'ok' | 'note' | 'no';

interface Style {
  readonly colors: Colors;
  readonly columns: number;
}

/** The diagnosis for people: machine, features, hooks, programs, maps, the verdict last; wrapped to so many columns. */
export function renderDiagnosis(diagnosis: Diagnosis, colors: Colors, columns = Infinity): string {
  const { machine, report } = diagnosis;
  const style = { colors, columns };
  const lines = [
    colors.bold('Machine'),
    ...machineRows(machine).map(([verdict, name, text]) => row(verdict, name, text, style)),
    row(diagnosis.addon === 'ready' ? 'ok' : 'no', 'native addon', diagnosis.addon, style),
  ];
  lines.push(...featureLines(diagnosis, style));
  if (report !== undefined) lines.push(...reportLines(report, diagnosis.mapBytes, style));
  lines.push(...sourceLines(diagnosis, style));
  lines.push('', ...verdictLines(diagnosis, colors));
  return `${lines.join('\n')}\n`;
}

function featureLines({ features, machine }: Diagnosis, style: Style): string[] {
  const names = Object.keys(features);
  if (names.length === 0) return [];
  const heading = ['', style.colors.bold('Kernel features')];
  if (!mayTrace(machine)) {
    // Without rights every trial fails, whatever the kernel can do.
    return [...heading, row('note', 'unknown', 'trying them needs the rights above', style)];
  }
  const present = names.filter((name) => features[name]!.supported);
  const absent = names.filter((name) => !features[name]!.supported);
  return [
    ...heading,
    row('ok', 'present', present.join(' '), style),
    ...absent.map((name) => row('note', name, features[name]!.reason ?? 'absent', style)),
  ];
}

function machineRows(machine: MachineFacts): [Verdict, string, string][] {
  const linux = machine.platform === 'linux';
  const held = Object.keys(machine.capabilities).filter((name) => machine.capabilities[name]);
  const who = machine.euid === undefined ? 'no user ids here' : `user id ${machine.euid}`;
  const rows: [Verdict, string, string][] = [
    [linux ? 'ok' : 'no', 'system', `${machine.platform} ${machine.kernel} ${machine.arch}`],
    ['ok', 'node', machine.node],
  ];
  if (!linux) return rows;
  const { lockdown, unprivilegedBpfDisabled } = machine;
  rows.push(
    [mayTrace(machine) ? 'ok' : 'no', 'rights', `${who}; ${held.join(' ') || 'no capabilities'}`],
    [
      machine.btf ? 'ok' : 'no',
      'BTF',
      machine.btf ? '/sys/kernel/btf/vmlinux' : 'the kernel has no type information',
    ],
    [
      lockdown === undefined || lockdown === 'none' ? 'ok' : 'note',
      'lockdown',
      lockdown ?? 'unknown (the kernel does not say, or securityfs is not mounted)',
    ],
    ['ok', 'unprivileged BPF', unprivilegedText(unprivilegedBpfDisabled)],
    ['ok', 'tracefs', machine.tracefs ?? 'not mounted (needed on 7.x kernels only)'],
    [
      machine.cgroup2 === undefined ? 'note' : 'ok',
      'cgroup v2',
      machine.cgroup2 ?? 'not mounted; --cgroup cannot be used',
    ],
  );
  return rows;
}

function unprivilegedText(disabled: number | undefined): string {
  if (disabled === undefined) return 'unknown';
  return disabled === 0 ? 'allowed (0)' : `for the privileged only (${disabled})`;
}

function sourceRow({ name, from, version, programs, problem }: SourceFacts, style: Style): string {
  const where = `${from}${version === null ? '' : ` ${version}`}`;
  if (problem !== undefined) return row('no', name, `${where}: ${problem}`, style);
  if (programs === 0) return row('note', name, `${where}; not tried`, style);
  return row('ok', name, `${where}; ${plural(programs, 'program')} loaded`, style);
}

const returnProbeTexts: Readonly<Record<ReturnProbes, string>> = {
  trap: 'by a breakpoint; harmless',
  call: 'by a system call that seccomp filters do not see; harmless',
  'filtered-call':
    'by a system call that seccomp filters see: none is placed, since it would kill programs under a filter; return ' +
    'instructions are probed instead',
};

function sourceLines(diagnosis: Diagnosis, style: Style): string[] {
  const { sources, sourceProblems, returnProbes, probeOnly } = diagnosis;
  const lines = sources.map((source) => sourceRow(source, style));
  lines.push(...sourceProblems.map((problem) => row('no', 'problem', problem, style)));
  if (returnProbes !== undefined) {
    const verdict = returnProbes === 'filtered-call' ? 'note' : 'ok';
    lines.push(row(verdict, 'return probes', returnProbeTexts[returnProbes], style));
  }
  if (probeOnly !== undefined) {
    const text = `below ${probeOnly} only (LIBTRACE_PROBE_ONLY)`;
    lines.push(row('note', 'probes', text, style));
  }
  return lines.length === 0 ? [] : ['', style.colors.bold('Plaintext above TLS'), ...lines];
}

function reportLines(report: TracerReport, mapBytes: number, style: Style): string[] {
  const { colors } = style;
  const attached = report.hooks.filter((hook) => hook.attached).length;
  const lines = ['', colors.bold(`Hooks: ${attached} of ${report.hooks.length} attached`)];
  const width = Math.max(...report.hooks.map((hook) => hook.hook.length), 0);
  for (const hook of report.hooks) lines.push(...hookLines(hook, width, style));
  const loaded = report.programs.filter((program) => program.loaded);
  lines.push(
    '',
    colors.bold(`Programs: ${loaded.length} loaded in ${formatDuration(report.loadMs)}`),
    ...programTable(report, colors),
    '',
    colors.bold(`Maps: ${formatBytes(mapBytes)} in ${plural(report.maps.length, 'map')}`),
  );
  for (const map of [...report.maps].sort((one, other) => other.bytes - one.bytes)) {
    lines.push(`  ${padRight(escapeText(map.name), 24)} ${padLeft(formatBytes(map.bytes), 6)}`);
  }
  return lines;
}

function hookLines(hook: HookStatus, width: number, style: Style): string[] {
  const verdict: Verdict = hook.attached ? 'ok' : hook.optional ? 'note' : 'no';
  const text = [hook.program, ...(hook.optional && !hook.attached ? ['(optional)'] : [])].join(' ');
  const lines = [row(verdict, padRight(hook.hook, width), text, style)];
  if (hook.reason !== undefined) lines.push(indented('        reason: ', hook.reason, style));
  if (hook.remedy !== undefined) lines.push(indented('        remedy: ', hook.remedy, style));
  return lines;
}

function programTable(report: TracerReport, colors: Colors): string[] {
  const width = Math.max(...report.programs.map((program) => program.name.length), 7);
  const heading = `  ${padRight('program', width)}  instructions  processed    load`;
  return [
    colors.dim(heading),
    ...report.programs.map((program) => {
      const figures = program.loaded
        ? [
            padLeft(formatCount(program.instructions), 12),
            padLeft(formatCount(program.processed), 9),
            padLeft(formatDuration(program.loadMs), 6),
          ]
        : [colors.yellow(padLeft('not loaded', 12))];
      return `  ${padRight(escapeText(program.name), width)}  ${figures.join('  ')}`;
    }),
  ];
}

function verdictLines(diagnosis: Diagnosis, colors: Colors): string[] {
  if (diagnosis.works) return [colors.green('Live tracing works.')];
  const lines = [colors.red('Live tracing does not work here.')];
  // Printed by describeFailure, which has escaped what came from outside.
  if (diagnosis.problem !== undefined) lines.push(diagnosis.problem);
  return lines;
}

function row(verdict: Verdict, name: string, text: string, style: Style): string {
  const label = { ok: 'ok  ', note: '--  ', no: 'no  ' }[verdict];
  const paint = { ok: style.colors.green, note: style.colors.yellow, no: style.colors.red }[
    verdict
  ];
  const head = `  ${label}  ${padRight(escapeText(name), 18)} `;
  return indented(head, text, style).replace(label, paint(label)).trimEnd();
}

/** A text behind a head, wrapped at words; further lines begin where the text begins. */
function indented(head: string, text: string, style: Style): string {
  const lines = text
    .split('\n')
    .flatMap((line) => wrapWords(escapeText(line), Math.max(30, style.columns - head.length)));
  return head + lines.join(`\n${' '.repeat(head.length)}`);
}
