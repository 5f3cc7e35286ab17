// SPDX-License-Identifier: Apache-2.0
import type { InferenceRule, Transport } from '../../plugin/index.js';
import type { Inferable } from '../candidates.js';
import { tlsRecord } from '../foreign.js';
import { isStream } from '../window.js';
import { Assembler, helper, Label, register, type Assembled } from './assembler.js';
import { compileTest } from './compile-test.js';
import type { WindowLayout } from './window-layout.js';

const { r0, r1, r2, r3, r6, r7, r10 } = register;

/** The rules do not fit into the programs that there may be. User space can still interpret them. */
export class RulesTooLargeError extends Error {
  override readonly name = 'RulesTooLargeError';
}

/** A plugin, and the number that answers for it. */
export interface NumberedPlugin {
  readonly plugin: Inferable;
  readonly number: number;
}

/** Where and how the programs run. */
export interface RuleTarget {
  readonly window: WindowLayout;
  /** Slot of the stage behind the rules. */
  readonly emitSlot: number;
  /** Slot of program `index` of the chain, from 1 on. */
  readonly chainSlot: (index: number) => number;
  /** Most instructions of one program. Default 3,900: the kernel adds some to the calls of helpers. */
  readonly maxInstructions?: number;
  /** Most programs. Default 8, of bpf/maps.bpf.h. */
  readonly maxPrograms?: number;
}

/**
 * Compiles the rules of all active plugins to a chain of straight-line programs that give {@link inferWindow}'s answer
 * of the window: the number of the protocol, or TLS, or none, and whether some rule says `likely`. Rules are the units:
 * each goes into one program, in the order of plugins. No program remembers anything but by the answer in the window.
 * @throws RulesTooLargeError when a rule does not fit into a program, or all do not into the chain.
 */
export function compileRules(
  plugins: readonly NumberedPlugin[],
  target: RuleTarget,
): readonly Assembled[] {
  return new Chain(plugins, target).compile();
}

class Chain {
  readonly #plugins: readonly NumberedPlugin[];
  readonly #target: RuleTarget;
  readonly #max: number;
  readonly #done: Program[] = [];
  #current: Program;

  constructor(plugins: readonly NumberedPlugin[], target: RuleTarget) {
    this.#plugins = plugins;
    this.#target = target;
    this.#max = target.maxInstructions ?? 3900;
    this.#current = new Program(target, 0);
  }

  compile(): Assembled[] {
    this.#plugins.forEach((_, index) => this.#addPlugin(index));
    const programs = [...this.#done, this.#current];
    return programs.map((program, i) => program.finish(i < programs.length - 1));
  }

  #addPlugin(index: number): void {
    const { plugin } = this.#plugins[index]!;
    let group = this.#beginGroup(index);
    plugin.inference.rules.forEach((rule, number) => {
      if (this.#add(rule, group)) return;
      this.#current.endGroup(group);
      this.#nextProgram();
      group = this.#beginGroup(index);
      if (this.#add(rule, group)) return;
      throw new RulesTooLargeError(
        `plugin ${plugin.name}: inference.rules[${number}] is too large for a program`,
      );
    });
    this.#current.endGroup(group);
  }

  #add(rule: InferenceRule, group: Group): boolean {
    const code = compileRule(rule, this.#target.window, group.matched);
    if (!this.#current.hasRoomFor(code.length, group, this.#max)) return false;
    this.#current.code.append(code);
    return true;
  }

  #beginGroup(index: number): Group {
    const later = this.#plugins.slice(index + 1);
    const group = new Group(this.#plugins[index]!, {
      isFirst: index === 0,
      canBeOverruled: later.some(({ plugin }) => (plugin.inference.ports ?? []).length > 0),
    });
    const isEmpty = this.#current.groups === 0;
    if (!isEmpty && !this.#current.hasRoomFor(GROUP_BEGIN_LENGTH, group, this.#max))
      this.#nextProgram();
    this.#current.beginGroup(group);
    return group;
  }

  #nextProgram(): void {
    this.#done.push(this.#current);
    const most = this.#target.maxPrograms ?? 8;
    if (this.#done.length >= most)
      throw new RulesTooLargeError(`the rules of all plugins need more than ${most} programs`);
    this.#current = new Program(this.#target, this.#done.length);
  }
}

/** The rules of one plugin in one program. */
class Group {
  readonly plugin: Inferable;
  readonly number: number;
  /** No plugin was asked before. */
  readonly isFirst: boolean;
  /** A later plugin may name a port of the connection, and then comes first. */
  readonly canBeOverruled: boolean;
  readonly matched: Label;
  readonly end: Label;

  constructor(
    { plugin, number }: NumberedPlugin,
    { isFirst, canBeOverruled }: { isFirst: boolean; canBeOverruled: boolean },
  ) {
    this.plugin = plugin;
    this.number = number;
    this.isFirst = isFirst;
    this.canBeOverruled = canBeOverruled;
    this.matched = new Label(`${plugin.name} matched`);
    this.end = new Label(`end of ${plugin.name}`);
  }

  get ports(): readonly number[] {
    return this.plugin.inference.ports ?? [];
  }
}

/** Instructions, at most: at the end of a program, around the rules of a group besides those for ports. */
const TAIL_LENGTH = 16;
const GROUP_BEGIN_LENGTH = 5;
const GROUP_END_LENGTH = 12;

/** One program of the chain: r6 holds the context, r7 the window. */
class Program {
  readonly code = new Assembler();
  groups = 0;
  readonly #target: RuleTarget;
  readonly #index: number;
  readonly #done = new Label('done');
  readonly #noWindow = new Label('no window');

  constructor(target: RuleTarget, index: number) {
    this.#target = target;
    this.#index = index;
    const { code } = this;
    const { window } = target;
    code.move(r6, r1);
    code.store(4, r10, -4, 0);
    code.move(r2, r10);
    code.add(r2, -4);
    code.setMap(r1, 'windows');
    code.call(helper.mapLookupElem);
    code.jumpIf('eq', r0, 0, this.#noWindow);
    code.move(r7, r0);
    if (index > 0) return;
    code.store(1, r7, window.answerAt, 0);
    code.store(1, r7, window.suspectAt, 0);
    this.#tls();
  }

  /** Whether so many more instructions fit, with what ends the group and the program. */
  hasRoomFor(instructions: number, group: Group, max: number): boolean {
    const rest = GROUP_END_LENGTH + 2 * group.ports.length + TAIL_LENGTH;
    return this.code.length + instructions + rest <= max;
  }

  /** Passes the plugin by when it has nothing to say of the connection. */
  beginGroup(group: Group): void {
    this.groups++;
    const { window } = this.#target;
    const asked = new Label(group.plugin.name);
    this.code.load(1, r1, r7, window.transportAt);
    this.code.jumpIf('set', r1, bitsOf(group.plugin.transports, window), asked);
    this.code.jump(group.end);
    this.code.place(asked);
    if (group.isFirst || group.ports.length > 0) return;
    this.code.load(1, r1, r7, window.answerAt);
    this.code.jumpIf('ne', r1, 0, group.end);
  }

  /** A certain rule leads to the first half of this, the end of the rules past it. */
  endGroup(group: Group): void {
    const { code } = this;
    const { window } = this.#target;
    const claim = new Label(`${group.plugin.name} by port`);
    code.jump(group.end);
    code.place(group.matched);
    if (group.ports.length > 0) {
      code.load(2, r1, r7, window.localPortAt);
      for (const port of group.ports) code.jumpIf('eq', r1, port, claim);
      code.load(2, r1, r7, window.remotePortAt);
      for (const port of group.ports) code.jumpIf('eq', r1, port, claim);
    }
    if (!group.isFirst) {
      code.load(1, r1, r7, window.answerAt);
      code.jumpIf('ne', r1, 0, group.end);
    }
    if (group.canBeOverruled) {
      code.store(1, r7, window.answerAt, group.number);
      code.jump(group.end);
    }
    code.place(claim);
    code.store(1, r7, window.answerAt, group.number);
    code.jump(this.#done);
    code.place(group.end);
  }

  finish(goesOn: boolean): Assembled {
    const { code } = this;
    const { chainSlot, emitSlot } = this.#target;
    if (goesOn) this.#tailCall(chainSlot(this.#index + 1));
    code.place(this.#done);
    this.#tailCall(emitSlot);
    code.place(this.#noWindow);
    code.set(r0, 0);
    code.exit();
    return code.assemble();
  }

  #tls(): void {
    const { code } = this;
    const { window } = this.#target;
    const found = new Label('TLS');
    const plugins = new Label('plugins');
    const stream = new Label('stream');
    const streams = (['tcp', 'udp', 'unix', 'tls'] as const).filter(isStream);
    code.load(1, r1, r7, window.transportAt);
    code.jumpIf('set', r1, bitsOf(streams, window), stream);
    code.jump(plugins);
    code.place(stream);
    compileTest(tlsRecord, window, code, { holds: found, fails: plugins, next: found });
    code.place(found);
    code.store(1, r7, window.answerAt, window.tlsAnswer);
    code.jump(this.#done);
    code.place(plugins);
  }

  /** Goes on when there is nothing in the slot, or the budget of tail calls is spent. */
  #tailCall(slot: number): void {
    this.code.move(r1, r6);
    this.code.setMap(r2, 'stages');
    this.code.set(r3, slot);
    this.code.call(helper.tailCall);
  }
}

/** One rule: jumps to `matched` when it is certain and matches; a likely one that matches leaves its mark. */
function compileRule(rule: InferenceRule, window: WindowLayout, matched: Label): Assembler {
  const code = new Assembler();
  const next = new Label('next rule');
  if (rule.says !== 'either') {
    const { request, response } = window.sides;
    code.load(1, r1, r7, window.sideAt);
    code.jumpIf('eq', r1, rule.says === 'request' ? response : request, next);
  }
  if (rule.strength === 'likely') {
    const holds = new Label('likely');
    compileTest(rule.when, window, code, { holds, fails: next, next: holds });
    code.place(holds);
    code.store(1, r7, window.suspectAt, 1);
  } else {
    compileTest(rule.when, window, code, { holds: matched, fails: next, next });
  }
  code.place(next);
  return code;
}

function bitsOf(transports: readonly Transport[], window: WindowLayout): number {
  return transports.reduce((bits, transport) => bits | (1 << window.transports[transport]), 0);
}
