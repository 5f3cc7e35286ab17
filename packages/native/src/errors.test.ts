import { expect, it } from 'vitest';
import { errorFromErrno, verifierLog } from './error-mapping.js';
import { BpfError, ERROR_CODES } from './errors.js';

it('gives every code a meaning and a remedy', () => {
  for (const [code, { meaning, remedy }] of Object.entries(ERROR_CODES)) {
    expect(code).toMatch(/^ERR_BPF_[A-Z_]+$/);
    expect(meaning).toMatch(/\.$/);
    expect(remedy).toMatch(/\w{4}/);
  }
});

it('says in one line what failed, why, and with which code', () => {
  const error = new BpfError('ERR_BPF_BUSY', { operation: 'attach xdp', errnoNumber: 16 });
  expect(error.message).toBe(
    'attach xdp: Something else uses the resource. (EBUSY) [ERR_BPF_BUSY]',
  );
  expect(error).toMatchObject({
    name: 'BpfError',
    errno: 'EBUSY',
    errnoNumber: 16,
    operation: 'attach xdp',
  });
  expect(error.remedy).toBe(ERROR_CODES.ERR_BPF_BUSY.remedy);
  expect('log' in error).toBe(false);
});

it('keeps the end of a long log', () => {
  const error = new BpfError('ERR_BPF_VERIFIER', {
    operation: 'load',
    log: `${'x'.repeat(100_000)}end`,
  });
  expect(error.log).toHaveLength(16 * 1024);
  expect(error.log).toMatch(/end$/);
});

it.each([
  [1, 'ERR_BPF_PERMISSION'],
  [-1, 'ERR_BPF_PERMISSION'],
  [13, 'ERR_BPF_PERMISSION'],
  [2, 'ERR_BPF_NOT_FOUND'],
  [7, 'ERR_BPF_NO_SPACE'],
  [12, 'ERR_BPF_NO_MEMORY'],
  [22, 'ERR_BPF_INVALID_ARGUMENT'],
  [24, 'ERR_BPF_LIMIT'],
  [95, 'ERR_BPF_NOT_SUPPORTED'],
  [524, 'ERR_BPF_NOT_SUPPORTED'],
  [4003, 'ERR_BPF_INVALID_ELF'],
  [999, 'ERR_BPF_FAILED'],
])('maps error number %i to %s', (number, code) => {
  expect(errorFromErrno('try', number, '').code).toBe(code);
});

it('takes errors of opening for errors of the file, except want of memory or rights', () => {
  expect(errorFromErrno('open', 22, '').code).toBe('ERR_BPF_INVALID_ELF');
  expect(errorFromErrno('open', 4001, 'libbpf: elf: bad\n').message).toMatch(
    /^open: elf: bad \(LIBBPF_FORMAT\)/,
  );
  expect(errorFromErrno('open', 12, '').code).toBe('ERR_BPF_NO_MEMORY');
});

const LOG = `libbpf: prog 'p': BPF program load failed: Permission denied
libbpf: prog 'p': -- BEGIN PROG LOAD LOG --
0: (79) r0 = *(u64 *)(r0 +0)
R0 invalid mem access 'scalar'
processed 2 insns (limit 1000000) max_states_per_insn 0
-- END PROG LOAD LOG --
`;

it('does not take a lack of descriptors for the verifier’s verdict', () => {
  expect(errorFromErrno('load program p', 24, LOG)).toMatchObject({
    code: 'ERR_BPF_LIMIT',
    errno: 'EMFILE',
  });
});

it('recognizes the verifier’s verdict, whatever the error number', () => {
  const error = errorFromErrno('load program p', 13, LOG);
  expect(error).toMatchObject({ code: 'ERR_BPF_VERIFIER', errno: 'EACCES' });
  expect(error.message).toMatch(/^load program p: R0 invalid mem access 'scalar'/);
  expect(error.log).toMatch(/^0: \(79\)/);
  expect(verifierLog('libbpf: nothing\n')).toBeUndefined();
});

it('recognizes that the kernel has no BTF', () => {
  const log = 'libbpf: failed to find valid kernel BTF\nlibbpf: Error loading vmlinux BTF: -3\n';
  expect(errorFromErrno('load object o', 3, log).code).toBe('ERR_BPF_NO_BTF');
});
