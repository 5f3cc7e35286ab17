// SPDX-License-Identifier: Apache-2.0
import { linkSync, mkdirSync, symlinkSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AllowedDirectories, PROBE_ONLY } from './allowed-directories.js';
import { FakeMachine } from './fakes.test-support.js';
import { OpenedFile } from './opened-file.js';

describe('AllowedDirectories', () => {
  let machine: FakeMachine;
  let allowed: string;
  let inside: string;
  let outside: string;
  beforeEach(() => {
    machine = new FakeMachine();
    allowed = join(machine.root, 'allowed');
    inside = machine.file('/allowed/lib/libssl.so');
    outside = machine.file('/allowed-not/libssl.so');
  });
  afterEach(() => machine[Symbol.dispose]());

  function refusal(
    path: string,
    directories: readonly string[] | 'from environment' = [allowed],
    environment: Readonly<Record<string, string>> = {},
  ): string | undefined {
    const file = new OpenedFile(path);
    try {
      const named = directories === 'from environment' ? undefined : directories;
      return new AllowedDirectories(named, environment).refusal(file);
    } finally {
      file.close();
    }
  }

  it('takes files below a directory only', () => {
    expect(refusal(inside)).toBeUndefined();
    expect(refusal(outside)).toBe(`it is outside ${allowed}`);
    expect(refusal(inside, [])).toBe('it is outside all directories');
    expect(refusal(inside, ['/nowhere', '/'])).toBeUndefined();
    expect(refusal(inside, ['/nowhere'])).toBeDefined();
  });

  it('is not led out by links, nor led in', () => {
    symlinkSync(outside, join(allowed, 'link.so'));
    symlinkSync(join(machine.root, 'allowed-not'), join(allowed, 'directory'));
    expect(refusal(join(allowed, 'link.so'))).toBeDefined();
    expect(refusal(join(allowed, 'directory/libssl.so'))).toBeDefined();
    symlinkSync(inside, join(machine.root, 'in.so'));
    expect(refusal(join(machine.root, 'in.so'))).toBeUndefined();
    linkSync(outside, join(allowed, 'hard.so'));
    expect(refusal(join(allowed, 'hard.so'))).toMatch(/hard links/);
  });

  it('takes a directory by its link', () => {
    symlinkSync(allowed, join(machine.root, 'alias'));
    expect(refusal(inside, [join(machine.root, 'alias')])).toBeUndefined();
  });

  it('takes a deleted file by where it was', () => {
    for (const [path, refused] of [
      [inside, false],
      [outside, true],
    ] as const) {
      const file = new OpenedFile(path);
      unlinkSync(path);
      expect(new AllowedDirectories([allowed]).refusal(file) !== undefined).toBe(refused);
      file.close();
    }
  });

  it('refuses a file that has the path of another one here', () => {
    const file = new OpenedFile(inside);
    const elsewhere = new OpenedFile(outside);
    // As for a file of another mount namespace: the path that the kernel shows is not its path here.
    elsewhere.realPath = () => inside;
    expect(new AllowedDirectories([allowed]).refusal(elsewhere)).toMatch(/file tree/);
    file.close();
    elsewhere.close();
  });

  it('has the environment name them', () => {
    mkdirSync(join(machine.root, 'other'));
    const both = `${join(machine.root, 'other')}::${allowed}`;
    expect(refusal(inside, 'from environment', { [PROBE_ONLY]: both })).toBeUndefined();
    expect(refusal(outside, 'from environment', { [PROBE_ONLY]: both })).toBeDefined();
    expect(refusal(outside, 'from environment', {})).toBeUndefined();
    expect(refusal(inside, 'from environment', { [PROBE_ONLY]: '' })).toBeDefined();
  });
});
