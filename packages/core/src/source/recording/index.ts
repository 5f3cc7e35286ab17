// SPDX-License-Identifier: Apache-2.0
export type { RecordingCounters, RecordingHeader, RecordingStats } from './format.js';
export { recordingMagic, recordingVersion } from './format.js';
export { newHeader } from './header.js';
export { Recorder } from './recorder.js';
export { RecordingSource, type RecordingFacts } from './recording-source.js';
export { RecordingDecoder, type RecordingSummary } from './recording-decoder.js';
export { openRecordingFile, recordingFailure, type RecordingSink } from './recording-sink.js';
export { RecordingWriter, type RecordingWriterOptions } from './recording-writer.js';
