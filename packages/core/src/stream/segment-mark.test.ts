// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { SegmentMark, SegmentMarks } from './segment-mark.js';

function mark(position: number, end: number): SegmentMark {
  const made = new SegmentMark();
  made.position = position;
  made.end = end;
  made.opposite = position * 10;
  return made;
}

describe('SegmentMarks', () => {
  it('find the segment that carried a byte', () => {
    const marks = new SegmentMarks();
    for (const position of [0, 10, 20]) marks.add(mark(position, position + 10));
    expect([0, 9, 10, 29].map((at) => marks.at(at)?.opposite)).toEqual([0, 0, 100, 200]);
  });

  it('forget segments that were read', () => {
    const marks = new SegmentMarks();
    for (const position of [0, 10, 20]) marks.add(mark(position, position + 10));
    marks.dropBefore(20);
    expect(marks.at(5)).toBeUndefined();
    expect(marks.at(25)?.opposite).toBe(200);
  });

  it('are bounded, and never give a byte the order of another segment', () => {
    const marks = new SegmentMarks();
    for (let position = 0; position < 1000; position++) marks.add(mark(position, position + 1));
    expect(marks.at(0)?.opposite).toBe(0);
    expect(marks.at(999)?.opposite).toBe(9990);
    expect(marks.at(500)?.opposite).toBe(-1);
  });

  it('add a segment once', () => {
    const marks = new SegmentMarks();
    for (let i = 0; i < 100; i++) marks.add(mark(7, 9));
    marks.add(mark(9, 11));
    expect(marks.at(7)?.opposite).toBe(70);
    expect(marks.at(9)?.opposite).toBe(90);
  });
});
