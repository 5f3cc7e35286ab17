// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { Dialogue } from './dialogue.test-support.js';

const started = (): Dialogue => new Dialogue().handshake();

describe('bytes', () => {
  it('are put in order, with the time of the packet that let them through', async () => {
    const { first, in: text } = await started()
      .client('cc', { at: 4, ack: 0 })
      .client('bb', { at: 2, ack: 0 })
      .client('aa', { at: 0, ack: 0 })
      .read();
    expect(text).toBe('aabbcc');
    expect(first.segments.map(({ startNs }) => startNs)).toEqual([5e6, 5e6, 5e6]);
  });

  it('go on in order when sequence numbers begin again at 0', async () => {
    const dialogue = new Dialogue({ client: 0xffff_fffa, server: 0xffff_ffff }).handshake();
    dialogue.client('cdef', { at: 2, ack: 0 }).client('ab', { at: 0, ack: 0 });
    dialogue.client('ghij', { at: 6, ack: 0 }).server('xyz', { at: 0, ack: 10 });
    expect(await dialogue.read()).toMatchObject({ in: 'abcdefghij', out: 'xyz' });
  });

  it('that come twice count once: the first copy wins', async () => {
    const { in: text, stats } = await started()
      .client('abcd', { at: 0, ack: 0 })
      .client('ABCD', { at: 0, ack: 0 })
      .client('CDef', { at: 2, ack: 0 })
      .read();
    expect(text).toBe('abcdef');
    expect(stats.tcp).toMatchObject({ bytes: 6, duplicateBytes: 6 });
  });

  it('that wait come once too', async () => {
    const { in: text, stats } = await started()
      .client('cd', { at: 2, ack: 0 })
      .client('gh', { at: 6, ack: 0 })
      .client('BCDEFGHI', { at: 1, ack: 0 })
      .client('ab', { at: 0, ack: 0 })
      .read();
    expect(text).toBe('aBcdEFghI');
    expect(stats.tcp).toMatchObject({ bytes: 9, duplicateBytes: 5 });
  });

  it('of a keep-alive probe are old', async () => {
    const { in: text } = await started()
      .client('abc', { at: 0, ack: 0 })
      .client('\0', { at: 2, ack: 0 })
      .client('', { at: 2, ack: 0 })
      .server('', { at: 0, ack: 3 })
      .client('def', { at: 3, ack: 0 })
      .read();
    expect(text).toBe('abcdef');
  });

  it('of a zero-window probe count once', async () => {
    const { in: text } = await started()
      .client('abc', { at: 0, ack: 0 })
      .server('', { at: 0, ack: 3 })
      .client('d', { at: 3, ack: 0 })
      .server('', { at: 0, ack: 3 })
      .client('def', { at: 3, ack: 0 })
      .read();
    expect(text).toBe('abcdef');
  });

  it('behind the FIN are none', async () => {
    const { in: text } = await started()
      .client('abc', { at: 0, ack: 0, flags: 'FA' })
      .client('cdef', { at: 2, ack: 0 })
      .read();
    expect(text).toBe('abc');
  });

  it('behind a FIN that cannot be go on', async () => {
    const { in: text } = await started()
      .client('abcdef', { at: 0, ack: 0 })
      .client('', { at: 3, ack: 0, flags: 'FA' })
      .client('ghi', { at: 6, ack: 0 })
      .read();
    expect(text).toBe('abcdefghi');
  });

  it('cut by the capture are holes', async () => {
    const { in: text, stats } = await started()
      .client('abcdef', { at: 0, ack: 0, cut: 4 })
      .client('ghijkl', { at: 6, ack: 0, cut: 6 })
      .client('mno', { at: 12, ack: 0 })
      .read();
    expect(text).toBe('ab[4][6]mno');
    expect(stats.tcp).toMatchObject({ bytes: 5, cutBytes: 10, lostBytes: 0 });
  });

  it('cut by the capture are holes behind a gap too', async () => {
    const dialogue = started().client('cdef', { at: 2, ack: 0, cut: 2 });
    expect((await dialogue.client('ab', { at: 0, ack: 0 }).read()).in).toBe('abcd[2]');
  });

  it('that end a stream come before its end', async () => {
    const { first } = await started()
      .client('c', { at: 2, ack: 0, flags: 'FA' })
      .server('', { at: 0, ack: 4, flags: 'FA' })
      .client('ab', { at: 0, ack: 0 })
      .read();
    expect(first.text('in')).toBe('abc');
    expect(first.ends).toEqual({ in: 3, out: 0 });
    expect(first.closed).toEqual({ in: 3, out: 0, ended: true });
  });
});

describe('the order of the two directions', () => {
  it('is that of the acknowledgments, not that of the capture', async () => {
    const { first } = await started()
      .server('OK', { at: 0, ack: 3 })
      .client('two', { at: 3, ack: 2 })
      .client('one', { at: 0, ack: 0 })
      .read();
    expect(first.order).toEqual(['<one', '>OK', '<two']);
    expect(first.segments.map((each) => each.oppositePosition)).toEqual([2, 3, 2]);
  });

  it('is that of the capture for what crossed on the way', async () => {
    const { first } = await started()
      .client('one', { at: 0, ack: 0 })
      .server('A', { at: 0, ack: 0 })
      .client('two', { at: 3, ack: 0 })
      .server('B', { at: 1, ack: 3 })
      .read();
    expect(first.order).toEqual(['<one', '>A', '<two', '>B']);
  });

  it('does not stop at acknowledgments that contradict each other', async () => {
    // The client's first packet was lost by the capture; its retransmission acknowledges the answer.
    const { first } = await started()
      .server('OK', { at: 0, ack: 3 })
      .client('one', { at: 0, ack: 2 })
      .wait(150)
      .client('', { at: 3, ack: 2 })
      .wait(150)
      .client('two', { at: 3, ack: 2 })
      .read();
    expect(first.text('in')).toBe('onetwo');
    expect(first.text('out')).toBe('OK');
  });
});

describe('a gap', () => {
  it('that the peer has acknowledged is a hole, before what depends on it', async () => {
    const { first, stats } = await started()
      .client('abc', { at: 0, ack: 0 })
      .client('ghi', { at: 6, ack: 0 })
      .server('OK', { at: 0, ack: 9 })
      .wait(150)
      .client('', { at: 9, ack: 2 })
      .client('jkl', { at: 9, ack: 2 })
      .read();
    expect(first.order).toEqual(['<abc', '<ghi', '>OK', '<jkl']);
    expect(first.text('in')).toBe('abc[3]ghijkl');
    expect(first.segments[1]?.startNs).toBe(4e6);
    expect(stats.tcp).toMatchObject({ lostBytes: 3, bytes: 11 });
  });

  it('that the peer has acknowledged is waited for, but not long', async () => {
    const dialogue = (ms: number): Dialogue =>
      started()
        .client('abc', { at: 0, ack: 0 })
        .client('ghi', { at: 6, ack: 0 })
        .wait(90)
        .server('', { at: 0, ack: 9 })
        .wait(ms)
        .server('', { at: 0, ack: 9 })
        .client('def', { at: 3, ack: 0 });
    expect((await dialogue(50).read()).in).toBe('abcdefghi');
    expect((await dialogue(150).read()).in).toBe('abc[3]ghi');
  });

  it('that the peer has not acknowledged is waited for', async () => {
    const dialogue = started().client('abc', { at: 0, ack: 0 }).client('ghi', { at: 6, ack: 0 });
    for (let i = 0; i < 8; i++) dialogue.wait(1000).server('', { at: 0, ack: 3 });
    const { in: text } = await dialogue.client('def', { at: 3, ack: 0 }).read();
    expect(text).toBe('abcdefghi');
  });

  it('is a hole after ten seconds', async () => {
    const dialogue = started().client('abc', { at: 0, ack: 0 }).client('ghi', { at: 6, ack: 0 });
    for (let i = 0; i < 12; i++) dialogue.wait(1000).server('', { at: 0, ack: 3 });
    const { in: text, stats } = await dialogue.client('def', { at: 3, ack: 0 }).read();
    expect(text).toBe('abc[3]ghi');
    expect(stats.tcp).toMatchObject({ lostBytes: 3, duplicateBytes: 3 });
  });

  it('of which the peer has acknowledged a part is a hole up to there', async () => {
    const { in: text } = await started()
      .client('abc', { at: 0, ack: 0 })
      .client('ghi', { at: 6, ack: 0 })
      .server('', { at: 0, ack: 5 })
      .wait(150)
      .server('', { at: 0, ack: 5 })
      .client('f', { at: 5, ack: 0 })
      .read();
    expect(text).toBe('abc[2]fghi');
  });

  it('of which an answer has acknowledged a part is a hole up to there', async () => {
    const { in: text, out } = await new Dialogue()
      .synAck()
      .client('abc', { at: 0, ack: 0 })
      .client('ghi', { at: 6, ack: 0 })
      .server('OK', { at: 0, ack: 5 })
      .wait(150)
      .server('', { at: 2, ack: 5 })
      .client('f', { at: 5, ack: 0 })
      .read();
    expect([text, out]).toEqual(['abc[2]fghi', 'OK']);
  });

  it('gives back what it kept', async () => {
    const dialogue = started();
    for (let at = 0; at < 200; at += 4) {
      dialogue.client('cd', { at: at + 2, ack: 0 }).client('ab', { at, ack: 0 });
    }
    const { in: text } = await dialogue.read({ maxTotalBufferedBytes: 1000 });
    expect(text).toBe('abcd'.repeat(50));
  });

  it('is a hole when more waits behind it than the bound', async () => {
    const dialogue = started().client('a', { at: 0, ack: 0 });
    for (let at = 2; at < 4000; at += 100) dialogue.client('x'.repeat(100), { at, ack: 0 });
    dialogue.client('b', { at: 1, ack: 0 });
    expect((await dialogue.read()).in).toMatch(/^abx+$/);
    const { in: text, stats } = await dialogue.read({ maxBufferedBytes: 4096 });
    expect(text).toMatch(/^a\[1\]x{4000}$/);
    expect(stats.tcp).toMatchObject({ lostBytes: 1, duplicateBytes: 1 });
    expect((await dialogue.read({ maxTotalBufferedBytes: 4096 })).in).toBe(text);
  });

  it('is a hole at the end of the capture', async () => {
    const dialogue = started().client('abc', { at: 0, ack: 0 }).client('ghi', { at: 6, ack: 0 });
    expect((await dialogue.read()).in).toBe('abc[3]ghi');
  });

  it('is a hole when the connection ends', async () => {
    const { first } = await started()
      .client('abc', { at: 0, ack: 0 })
      .client('ghi', { at: 6, ack: 0, flags: 'FA' })
      .server('', { at: 0, ack: 10, flags: 'FA' })
      .wait(150)
      .client('', { at: 10, ack: 1 })
      .read();
    expect(first.text('in')).toBe('abc[3]ghi');
    expect(first.closed).toEqual({ in: 9, out: 0, ended: true });
  });

  it('at the end of a stream is a hole', async () => {
    const { first, stats } = await started()
      .client('abc', { at: 0, ack: 0 })
      .client('', { at: 6, ack: 0, flags: 'FA' })
      .server('', { at: 0, ack: 7, flags: 'FA' })
      .client('', { at: 7, ack: 1 })
      .wait(150)
      .client('', { at: 7, ack: 1 })
      .read();
    expect(first.text('in')).toBe('abc[3]');
    expect(first.ends).toEqual({ in: 6, out: 0 });
    expect(stats.tcp.lostBytes).toBe(3);
  });

  it('is none where only the FIN is missing', async () => {
    const { first, stats } = await started()
      .client('abc', { at: 0, ack: 0 })
      .server('OK', { at: 0, ack: 4, flags: 'FA' })
      .client('', { at: 4, ack: 3 })
      .wait(150)
      .server('', { at: 3, ack: 4 })
      .read();
    expect(first.order).toEqual(['<abc', '>OK']);
    expect(stats.tcp.lostBytes).toBe(0);
  });

  it('is not believed from one stray acknowledgment', async () => {
    const { in: text } = await started()
      .client('abc', { at: 0, ack: 0 })
      .server('', { at: 0, ack: 1_000_000 })
      .server('', { at: 0, ack: 3 })
      .wait(1000)
      .client('def', { at: 3, ack: 0 })
      .wait(1000)
      .client('ghi', { at: 6, ack: 0 })
      .server('', { at: 0, ack: 9 })
      .read();
    expect(text).toBe('abcdefghi');
  });
});

describe('half a capture', () => {
  it('has the bytes of one direction, and holes as long as those of the other', async () => {
    const { first, stats } = await new Dialogue()
      .syn()
      .client('', { at: 0, ack: 0 })
      .client('one', { at: 0, ack: 0 })
      .client('', { at: 3, ack: 4 })
      .client('two', { at: 3, ack: 4 })
      .client('', { at: 6, ack: 9, flags: 'FA' })
      .read();
    expect(first.text('in')).toBe('onetwo');
    expect(first.text('out')).toBe('[4][5]');
    expect(first.segments.map(({ direction }) => direction)).toEqual(['in', 'out', 'in', 'out']);
    expect(stats.tcp.lostBytes).toBe(9);
  });

  it('that begins in the middle does too', async () => {
    const { first } = await new Dialogue()
      .client('one', { at: 70, ack: 500 })
      .client('two', { at: 73, ack: 504 })
      .read();
    expect([first.text('in'), first.text('out')]).toEqual(['onetwo', '[4]']);
  });

  it('of a server does too', async () => {
    const { first } = await new Dialogue()
      .synAck()
      .server('OK', { at: 0, ack: 3 })
      .server('OK', { at: 2, ack: 6 })
      .read();
    expect(first.info.role).toBe('server');
    expect([first.text('in'), first.text('out')]).toEqual(['[3][3]', 'OKOK']);
  });
});

it('bytes missing at the start of a capture in the middle are a hole', async () => {
  const { first } = await new Dialogue()
    .client('one', { at: 70, ack: 500 })
    .server('OK', { at: 554, ack: 73 })
    .read();
  expect([first.text('in'), first.text('out')]).toEqual(['one', '[54]OK']);
});
