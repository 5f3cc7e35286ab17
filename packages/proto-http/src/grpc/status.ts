// SPDX-License-Identifier: Apache-2.0

/** Names of gRPC's status codes, by number (statuscodes.md of gRPC). */
export const grpcStatusNames: readonly string[] = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

/** Codes that are an error of the server, by OpenTelemetry's conventions for gRPC. */
const serverErrors: ReadonlySet<string> = new Set([
  'UNKNOWN',
  'DEADLINE_EXCEEDED',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
]);

/** What a status code means for a record. Codes that gRPC does not define count as UNKNOWN, as its clients do. */
export function grpcOutcome(code: number): 'ok' | 'client-error' | 'server-error' {
  if (code === 0) return 'ok';
  return serverErrors.has(grpcStatusNames[code] ?? 'UNKNOWN') ? 'server-error' : 'client-error';
}

/** Value of a `grpc-status` field; undefined when it is no number. */
export function parseGrpcStatus(value: string): number | undefined {
  return /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** Value of a `grpc-message` field: percent-encoded UTF-8. What is malformed stays as it is. */
export function parseGrpcMessage(value: string): string {
  if (!value.includes('%')) return value;
  const bytes = value.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return Buffer.from(bytes, 'latin1').toString('utf8');
}
