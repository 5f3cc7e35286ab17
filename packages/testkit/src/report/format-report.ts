// SPDX-License-Identifier: Apache-2.0
import type { CheckResult, PluginReport } from '../check-plugin.js';
import type { Finding } from '../checks/context.js';

/** A report for people: a line a check, and what was found below it. */
export function formatReport(report: PluginReport): string {
  const lines = report.checks.flatMap((check) => [
    formatCheck(check),
    ...check.findings.map((finding) => indent(formatFinding(finding))),
  ]);
  return [`plugin ${report.plugin}: ${report.ok ? 'ok' : 'NOT ok'}`, ...lines].join('\n');
}

/** What, where, and how to see it again. */
export function formatFinding(finding: Finding): string {
  const fixture = finding.fixture === undefined ? '' : `fixture ${finding.fixture}, `;
  return `${finding.problem}\n  where: ${fixture}${finding.where}\n  again: ${finding.reproduce}`;
}

function formatCheck(check: CheckResult): string {
  const name = check.name.padEnd(9);
  if (check.skipped !== undefined) return `  - ${name} not made: ${check.skipped}`;
  const sign = check.findings.length === 0 ? '✓' : '✗';
  return `  ${sign} ${name} ${check.title} (${check.runs} runs, ${check.ms.toFixed(0)} ms)`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '      ');
}
