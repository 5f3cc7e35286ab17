// SPDX-License-Identifier: Apache-2.0

/** A file of which a process maps code: a line of /proc/PID/maps (proc(5)). */
export interface MappedFile {
  /** Addresses, the name of its link in /proc/PID/map_files: `7f00-8f00`. Not padded, as addresses in maps are. */
  readonly range: string;
  /** Device as it stands there, major:minor in hexadecimal. Not always what `stat` says: overlayfs, btrfs. */
  readonly device: string;
  /** Inode number, decimal. */
  readonly inode: string;
  /** Path without ` (deleted)`. */
  readonly path: string;
  /** The file has no name any more. */
  readonly deleted: boolean;
}

const DELETED = ' (deleted)';
const LINE = /^([0-9a-f]+-[0-9a-f]+) ..x. [0-9a-f]+ ([0-9a-f]+:[0-9a-f]+) ([1-9][0-9]*) +(\/[^]*)$/;

/**
 * The files of which the process maps code, each once. A last line without its end is left out.
 * @param text /proc/PID/maps, read as latin1: names need not be UTF-8.
 */
export function parseMaps(text: string): readonly MappedFile[] {
  const files: MappedFile[] = [];
  const seen = new Set<string>();
  // Names may hold every other character that ends a line for a regular expression.
  for (let at = 0, end; (end = text.indexOf('\n', at)) >= 0; at = end + 1) {
    if (text[text.indexOf(' ', at) + 3] !== 'x') continue;
    const match = LINE.exec(text.slice(at, end));
    if (match === null) continue;
    const [, range, device, inode, name] = match as unknown as [string, ...string[]];
    const key = `${device} ${inode} ${name}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const deleted = name!.endsWith(DELETED);
    const path = decodeName(deleted ? name!.slice(0, -DELETED.length) : name!);
    files.push({
      range: range!.replace(/(^|-)0+(?=[0-9a-f])/g, '$1'),
      device: device!,
      inode: inode!,
      path,
      deleted,
    });
  }
  return files;
}

/** The kernel writes a newline as \012 and nothing else so (fs/proc/task_mmu.c, seq_file_path). */
function decodeName(latin1: string): string {
  const raw = latin1.includes('\\012') ? latin1.replaceAll('\\012', '\n') : latin1;
  return /[\x80-\xff]/.test(raw) ? Buffer.from(raw, 'latin1').toString('utf8') : raw;
}
