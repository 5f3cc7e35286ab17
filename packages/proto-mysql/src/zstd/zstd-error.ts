// SPDX-License-Identifier: Apache-2.0

/** Bytes are no Zstandard frame, or one that is not supported. Never leaves this folder. */
export class ZstdError extends Error {}
