// SPDX-License-Identifier: Apache-2.0
export type { KafkaFrame, KafkaRequestFrame, KafkaResponseFrame } from './frames.js';
export { kafka, kafka as default } from './protocol.js';
export type { KafkaAttributes, KafkaOptions } from './types.js';
