// SPDX-License-Identifier: Apache-2.0
// One run of qemu: its arguments, its process, and what to say when a guest ended without finishing its command.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** 9p options of the root: the host's files are taken as unchanging while the guest lives, hence `cache=loose`. */
export const ROOT_OPTIONS = 'msize=512000,cache=loose,access=any';

const KERNEL_ARGUMENTS = [
  'console=ttyS0',
  'quiet',
  // A panic, and any oops, ends the guest at once (with -no-reboot) instead of leaving it to the timeout.
  'panic=-1',
  'oops=panic',
  // qemu's time stamp counter is one for all processors; without this, kernels before 6.2 fall back to the slow HPET.
  'tsc=reliable',
];

/**
 * @typedef {object} Guest
 * @property {import('./fetch-kernel.mjs').Kernel} kernel
 * @property {string} initramfs path of the archive
 * @property {string} consoleLog path of the file that gets the kernel's messages
 * @property {string} controlDir directory shared with the guest: its command, and its exit status
 * @property {string | undefined} outputDir directory that the guest's command may write to
 * @property {number} timeoutMs
 * @property {number} cpus
 * @property {readonly string[]} kernelArguments added to the kernel's command line
 * @property {(text: string) => void} onOutput
 */

/**
 * @typedef {object} Ended
 * @property {string} output what the guest's command wrote
 * @property {string} errors what qemu wrote to its standard error
 * @property {boolean} timedOut
 * @property {number | null} code qemu's own exit code
 * @property {string | null} signal
 */

/**
 * Starts the guest and waits for its end. It goes away with this process, however that ends.
 * @param {Guest} guest
 * @returns {Promise<Ended>}
 */
export function runQemu(guest) {
  return new Promise((settle, reject) => {
    const program = ['qemu-system-x86_64', ...qemuArguments(guest)];
    // Standard input stays open: qemu takes its end for a host that no longer reads the guest's output.
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...program]);
    let output = '';
    let errors = '';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      child.kill('SIGKILL');
    }, guest.timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      guest.onOutput(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text));
    child.on('error', (cause) => {
      clearTimeout(timer);
      reject(new Error('cannot start setpriv: apt-get install util-linux', { cause }));
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      settle({ output, errors, timedOut, code, signal });
    });
  });
}

/** @param {Guest} guest */
function qemuArguments(guest) {
  const { kernel, initramfs, consoleLog, controlDir, outputDir, cpus, kernelArguments } = guest;
  const share = (tag, path, ...more) => [
    '-virtfs',
    [
      `local,path=${path.replaceAll(',', ',,')},mount_tag=${tag}`,
      // Both let files of any owner and of several file systems appear as they are.
      'security_model=none,multidevs=remap',
      ...more,
    ].join(','),
  ];
  return [
    ...['-nodefaults', '-no-user-config', '-no-reboot', '-display', 'none', '-nic', 'none'],
    // Never thread=multi: processors that run at once under qemu 7.2 miss the kernel's patching of its own code, which
    // is what attaching a probe does; the guest then panics with "int3" or hangs.
    ...['-accel', 'tcg,thread=single', '-smp', String(cpus), '-cpu', 'max', '-m', '2G'],
    ...['-device', 'virtio-rng-pci'],
    ...['-serial', `file:${consoleLog.replaceAll(',', ',,')}`],
    ...['-chardev', 'stdio,id=output,signal=off'],
    ...['-device', 'virtio-serial-pci', '-device', 'virtserialport,chardev=output'],
    ...share('hostroot', '/', 'readonly=on'),
    ...share('control', controlDir),
    ...(outputDir === undefined ? [] : share('output', outputDir)),
    ...['-kernel', kernel.vmlinuz, '-initrd', initramfs],
    ...['-append', [...KERNEL_ARGUMENTS, ...kernelArguments].join(' ')],
  ];
}

/**
 * @param {Guest} guest
 * @param {Ended} ended
 * @returns {Error} why there is no exit status, with the end of what the guest said
 */
export function guestFailure(guest, { output, errors, timedOut, code, signal }) {
  const console = existsSync(guest.consoleLog) ? readFileSync(guest.consoleLog, 'utf8') : '';
  const said = console.match(/^guest: (.*)$/m)?.[1];
  const panic = console.match(/Kernel panic - not syncing: .*/)?.[0];
  const reason = () => {
    if (code === 127) return 'qemu-system-x86_64 cannot be run: apt-get install qemu-system-x86';
    if (timedOut)
      return `the guest did not finish within ${guest.timeoutMs / 1000} s and was stopped`;
    if (panic !== undefined) return panic.trim();
    if (said !== undefined) return said.trim();
    if (console === '') return `qemu could not start the guest (${signal ?? `exit code ${code}`})`;
    return `the guest ended before its command did (${signal ?? `exit code ${code}`})`;
  };
  const tails = [
    ['qemu', errors],
    ['kernel console', console],
    ['output', output],
  ]
    .filter(([, text]) => text.trim() !== '')
    .map(([title, text]) => `--- ${title}, last lines\n${lastLines(text)}`);
  return new Error([`kernel ${guest.kernel.release}: ${reason()}`, ...tails].join('\n'));
}

const lastLines = (text) => text.trimEnd().split(/\r?\n/).slice(-40).join('\n');
