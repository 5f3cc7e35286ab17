import { afterEach, beforeEach, expect, it, vi } from 'vitest';

beforeEach(() => vi.resetModules());
afterEach(() => vi.unstubAllEnvs());

it('is not touched by importing the package', async () => {
  vi.stubEnv('LIBTRACE_NATIVE_ADDON', '/no/such/addon.node');
  const { ERROR_CODES } = await import('./index.js');
  expect(Object.keys(ERROR_CODES)).toContain('ERR_BPF_ADDON_MISSING');
});

it('is reported missing, with what to do, at first use', async () => {
  vi.stubEnv('LIBTRACE_NATIVE_ADDON', '/no/such/addon.node');
  const { BpfObject, possibleCpus } = await import('./index.js');
  const expected = {
    code: 'ERR_BPF_ADDON_MISSING',
    remedy: expect.stringContaining('build-native') as string,
  };
  expect(() => BpfObject.open(new Uint8Array(4))).toThrow(
    expect.objectContaining(expected) as Error,
  );
  expect(() => possibleCpus()).toThrow(expect.objectContaining(expected) as Error);
});

it('is reported when it cannot be loaded', async () => {
  vi.stubEnv('LIBTRACE_NATIVE_ADDON', new URL(import.meta.url).pathname);
  const { possibleCpus } = await import('./index.js');
  expect(() => possibleCpus()).toThrow(/cannot be loaded: .*ERR_BPF_ADDON_MISSING/);
});

it('says on other systems that eBPF is part of Linux', async () => {
  const platform = process.platform;
  Object.defineProperty(process, 'platform', { value: 'darwin' });
  try {
    const { possibleCpus } = await import('./index.js');
    expect(() => possibleCpus()).toThrow(/eBPF is part of Linux; this is darwin/);
  } finally {
    Object.defineProperty(process, 'platform', { value: platform });
  }
});
