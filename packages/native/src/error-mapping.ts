import { constants } from 'node:os';
import { BpfError } from './errors.js';
import type { BpfErrorCode, BpfErrorDetails } from './errors.js';

const E = constants.errno;
const ENOTSUPP = 524;
const LIBBPF_FIRST = 4000;

const BY_ERRNO: Readonly<Partial<Record<number, BpfErrorCode>>> = {
  [E.EPERM]: 'ERR_BPF_PERMISSION',
  [E.EACCES]: 'ERR_BPF_PERMISSION',
  [E.ENOSYS]: 'ERR_BPF_NOT_SUPPORTED',
  [E.EOPNOTSUPP]: 'ERR_BPF_NOT_SUPPORTED',
  [ENOTSUPP]: 'ERR_BPF_NOT_SUPPORTED',
  [E.ENOENT]: 'ERR_BPF_NOT_FOUND',
  [E.ESRCH]: 'ERR_BPF_NOT_FOUND',
  [E.ENODEV]: 'ERR_BPF_NOT_FOUND',
  [E.ENXIO]: 'ERR_BPF_NOT_FOUND',
  [E.ENOTDIR]: 'ERR_BPF_NOT_FOUND',
  [E.EISDIR]: 'ERR_BPF_INVALID_ARGUMENT',
  [E.EBADF]: 'ERR_BPF_CLOSED',
  [E.EINVAL]: 'ERR_BPF_INVALID_ARGUMENT',
  [E.ERANGE]: 'ERR_BPF_INVALID_ARGUMENT',
  [E.EBUSY]: 'ERR_BPF_BUSY',
  [E.EEXIST]: 'ERR_BPF_EXISTS',
  [E.E2BIG]: 'ERR_BPF_NO_SPACE',
  [E.ENOSPC]: 'ERR_BPF_NO_SPACE',
  [E.ENOMEM]: 'ERR_BPF_NO_MEMORY',
  [E.EMFILE]: 'ERR_BPF_LIMIT',
  [E.ENFILE]: 'ERR_BPF_LIMIT',
};

/** Errors of opening an object that say something of its bytes, not of the machine. */
const OF_THE_BYTES: readonly number[] = [
  E.EINVAL,
  E.ENOENT,
  E.ESRCH,
  E.ERANGE,
  E.EOPNOTSUPP,
  E.E2BIG,
  E.EEXIST,
];

const PROGRAM_LOG = /-- BEGIN PROG LOAD LOG --\n([\s\S]*?)-- END PROG LOAD LOG --/g;

/** The last verifier log in what libbpf printed; undefined when there is none, or an empty one. */
export function verifierLog(text: string): string | undefined {
  const log = [...text.matchAll(PROGRAM_LOG)].at(-1)?.[1]?.trim();
  return log === undefined || log === '' ? undefined : log;
}

/** What libbpf printed, without its prefix, as one line; for messages. */
function lastLines(text: string, count: number): string {
  const lines = text
    .replace(PROGRAM_LOG, '')
    .split('\n')
    .map((line) => line.replace(/^libbpf: /, '').trim())
    .filter((line) => line !== '' && !/-- (BEGIN|END) PROG LOAD LOG --$/.test(line));
  return lines.slice(-count).join('; ');
}

/**
 * Makes the error for a failed native operation.
 * @param operation - what was tried, in words
 * @param errnoNumber - errno of either sign; libbpf's own (4000 and more) too
 * @param log - what libbpf printed meanwhile
 */
export function errorFromErrno(operation: string, errnoNumber: number, log: string): BpfError {
  const number = Math.abs(errnoNumber);
  const details: BpfErrorDetails = { operation, errnoNumber: number, log };
  if (operation === 'open' && (number >= LIBBPF_FIRST || OF_THE_BYTES.includes(number))) {
    return new BpfError('ERR_BPF_INVALID_ELF', withDetail(details, lastLines(log, 1)));
  }
  // With statistics asked for, there is a log of what the verifier liked, too.
  const isVerdict = BY_ERRNO[number] !== 'ERR_BPF_LIMIT';
  const verdict = isVerdict ? verifierLog(log) : undefined;
  if (verdict !== undefined) {
    return new BpfError('ERR_BPF_VERIFIER', {
      ...withDetail(details, verdictLine(verdict)),
      log: verdict,
    });
  }
  if (
    /failed to find valid kernel BTF|Error loading vmlinux BTF|failed to get target BTF/.test(log)
  ) {
    return new BpfError('ERR_BPF_NO_BTF', details);
  }
  const code =
    BY_ERRNO[number] ?? (number >= LIBBPF_FIRST ? 'ERR_BPF_INVALID_ELF' : 'ERR_BPF_FAILED');
  return new BpfError(code, withDetail(details, lastLines(log, 1)));
}

function withDetail(details: BpfErrorDetails, detail: string): BpfErrorDetails {
  return detail === '' ? details : { ...details, detail };
}

/** The line of a verifier log that says what is wrong: the last before the statistics. */
function verdictLine(log: string): string {
  const lines = log.split('\n').filter((line) => line !== '');
  const statistics =
    /^(processed \d|verification time|stack depth|max_states|peak_states|insns? processed)/;
  return (
    lines
      .filter((line) => !statistics.test(line))
      .at(-1)
      ?.trim() ?? ''
  );
}
