// SPDX-License-Identifier: Apache-2.0

/** A release of Go 1: `1.23.5` is minor 23, patch 5. */
export interface GoVersion {
  /** The second number. */
  readonly minor: number;
  /** The third number; 0 for the first release, betas and release candidates of a minor version. */
  readonly patch: number;
}

/** Finds the release in what a program says of itself: `go1.23.5`, `devel go1.25-abcdef`, `go1.24rc1 X:boringcrypto`. */
export function parseGoVersion(text: string): GoVersion | undefined {
  const match = /(?:^|\s|go)1\.(\d{1,4})(?:\.(\d{1,4}))?(?!\d)/.exec(text);
  if (match === null) return undefined;
  return { minor: Number(match[1]), patch: Number(match[2] ?? 0) };
}

/** Negative when `a` is older than `b`. */
export function compareGoVersions(a: GoVersion, b: GoVersion): number {
  return a.minor - b.minor || a.patch - b.patch;
}

/** `1.23.5`. */
export function formatGoVersion({ minor, patch }: GoVersion): string {
  return `1.${minor}.${patch}`;
}
