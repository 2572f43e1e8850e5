import { describe, expect, test } from '@jest/globals';
import { InflightWindow } from './inflight-window.js';
import { Progress } from './progress.js';

const LIMITS = { messagesMax: 2, bytesMax: 100 };

/** A follower that is known to hold everything up to `matchedIndex`. */
function replicating(matchedIndex: number): Progress {
  const progress = new Progress(matchedIndex + 1, LIMITS);
  progress.sent(matchedIndex, 0, 0);
  progress.accepted(matchedIndex, 1);
  return progress;
}

describe('the window', () => {
  test('takes as many messages as the limit allows, and not one more', () => {
    const window = new InflightWindow({ messagesMax: 2, bytesMax: 100 });
    window.add(1, 1);
    expect(window.isFull).toBe(false);
    window.add(2, 1);
    expect(window.isFull).toBe(true);
    window.freeTo(1);
    expect(window.isFull).toBe(false);
  });

  test('is full at its bytes, and not one byte before', () => {
    const window = new InflightWindow({ messagesMax: 9, bytesMax: 100 });
    window.add(1, 99);
    expect(window.isFull).toBe(false);
    window.add(2, 1);
    expect(window.isFull).toBe(true);
    window.freeTo(2);
    window.add(3, 100);
    expect(window.isFull).toBe(true);
  });

  test('frees what has arrived, in order', () => {
    const window = new InflightWindow({ messagesMax: 3, bytesMax: 100 });
    for (const index of [10, 20, 30]) window.add(index, 10);
    window.freeTo(9);
    expect(window.isFull).toBe(true);
    window.freeTo(25);
    window.add(40, 10);
    window.add(50, 10);
    expect(window.isFull).toBe(true);
    window.clear();
    expect(window.isFull).toBe(false);
  });
});

describe('a probed follower', () => {
  test('is sent one message, and no other before it has answered', () => {
    const progress = new Progress(5, LIMITS);
    expect(progress.wants(9, 0)).toBe(true);
    progress.sent(9, 10, 0);
    expect(progress.wants(9, 0)).toBe(false);
  });

  test('that answers a heartbeat is asked again, without entries', () => {
    const progress = new Progress(5, LIMITS);
    progress.sent(9, 10, 0);
    progress.heartbeatAnswered(9);
    expect([progress.wants(9, 0), progress.takesEntries]).toEqual([true, false]);
    progress.sent(4, 0, 0);
    expect(progress.wants(9, 0)).toBe(false);
  });

  test('is asked further down with each rejection, and never below what it has', () => {
    const progress = new Progress(9, LIMITS);
    progress.sent(8, 0, 0);
    progress.rejected(8, 5);
    expect(progress.nextIndex).toBe(6);
    progress.sent(5, 0, 0);
    progress.rejected(5, 900);
    expect(progress.nextIndex).toBe(5);
    progress.rejected(4, -7);
    expect(progress.nextIndex).toBe(1);
  });

  test('that accepts is replicated to', () => {
    const progress = new Progress(5, LIMITS);
    progress.sent(9, 10, 0);
    progress.accepted(9, 1);
    expect([progress.state, progress.matchedIndex, progress.nextIndex]).toEqual(['replicate', 9, 10]);
  });
});

describe('a follower that is replicated to', () => {
  test('is sent what is new, as far as its window allows', () => {
    const progress = replicating(4);
    expect(progress.wants(4, 0)).toBe(false);
    expect(progress.wants(5, 0)).toBe(true);
    progress.sent(5, 10, 0);
    progress.sent(6, 10, 0);
    expect(progress.wants(7, 0)).toBe(false);
    progress.accepted(5, 1);
    expect(progress.wants(7, 0)).toBe(true);
  });

  test('is told what is committed, once', () => {
    const progress = replicating(4);
    expect(progress.wants(4, 3)).toBe(true);
    progress.sent(4, 0, 3);
    expect(progress.wants(4, 3)).toBe(false);
    expect(progress.wants(4, 4)).toBe(true);
  });

  test('whose window is full is told nothing more, but is asked where it is when it answers a heartbeat', () => {
    const progress = replicating(4);
    progress.sent(5, 100, 0);
    expect(progress.wants(9, 5)).toBe(false);
    progress.heartbeatAnswered(9);
    expect([progress.wants(9, 5), progress.takesEntries]).toEqual([true, false]);
    progress.sent(5, 0, 5);
    expect([progress.wants(9, 5), progress.nextIndex]).toEqual([false, 6]);
  });

  test('is probed once it rejects, from where the logs may agree', () => {
    const progress = replicating(4);
    progress.sent(9, 10, 0);
    progress.rejected(9, 6);
    expect([progress.state, progress.nextIndex]).toEqual(['probe', 7]);
  });

  test('an acknowledgement that comes late takes nothing back', () => {
    const progress = replicating(4);
    progress.sent(9, 10, 0);
    progress.accepted(9, 1);
    progress.accepted(6, 1);
    expect([progress.state, progress.matchedIndex, progress.nextIndex]).toEqual(['replicate', 9, 10]);
  });

  test('is probed when messages to it were lost, but not before it answers a heartbeat', () => {
    const progress = replicating(4);
    progress.sent(9, 10, 0);
    progress.unreachable();
    expect([progress.state, progress.nextIndex, progress.wants(9, 0)]).toEqual(['probe', 5, false]);
    progress.heartbeatAnswered(9);
    expect(progress.wants(9, 0)).toBe(true);
  });
});

describe('a follower that needs a snapshot', () => {
  test('is sent nothing until the snapshot has ended, and then asked at its next answer', () => {
    const progress = replicating(4);
    progress.needsSnapshot();
    progress.heartbeatAnswered(9);
    expect(progress.wants(9, 9)).toBe(false);
    progress.snapshotEnded(7);
    expect([progress.state, progress.nextIndex, progress.wants(9, 9)]).toEqual(['probe', 7, false]);
    progress.heartbeatAnswered(9);
    expect(progress.wants(9, 9)).toBe(true);
  });

  test('is replicated to as soon as it has what the log goes on behind', () => {
    const progress = replicating(4);
    progress.needsSnapshot();
    progress.accepted(5, 7);
    expect(progress.state).toBe('snapshot');
    progress.accepted(6, 7);
    expect([progress.state, progress.nextIndex]).toEqual(['replicate', 7]);
  });
});
