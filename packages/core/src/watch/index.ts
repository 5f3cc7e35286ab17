// SPDX-License-Identifier: Apache-2.0
export { BinaryWatcher, type BinaryWatcherOptions } from './binary-watcher.js';
export { installedLibraries } from './installed-libraries.js';
export type { PlacedBinary, ProbePlacer, WatchClock, WatchedSource } from './types.js';
