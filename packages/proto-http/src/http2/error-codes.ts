// SPDX-License-Identifier: Apache-2.0

const names: readonly string[] = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
];

/** Why a stream or a connection ends, when it ends as it should. */
export const NO_ERROR = 0;

/** Name of an error code of RST_STREAM and GOAWAY (RFC 9113 §7); its number in hexadecimal when it has none. */
export function errorCodeName(code: number): string {
  return names[code] ?? `0x${code.toString(16)}`;
}
