import { expect, test } from '@jest/globals';
import { silentLogger } from '../core/base/logger.js';
import { Emitter } from './emitter.js';

class Bell extends Emitter<{ rung: (times: number) => void }> {
  constructor(private readonly reports: unknown[] = []) {
    super({ ...silentLogger, error: (fields) => void this.reports.push(fields) });
  }

  ring(times: number): void {
    this.announce('rung', times);
  }
}

test('listeners are told in order, one added with `once` only once', () => {
  const bell = new Bell();
  const heard: string[] = [];
  bell.on('rung', (times) => heard.push(`on ${times}`));
  bell.once('rung', (times) => heard.push(`once ${times}`));

  bell.ring(1);
  bell.ring(2);

  expect(heard).toEqual(['on 1', 'once 1', 'on 2']);
  expect(bell.listenerCount('rung')).toBe(1);
});

test('a listener that throws is reported, and the others are told', () => {
  const reports: unknown[] = [];
  const bell = new Bell(reports);
  const heard: number[] = [];
  const thrown = new Error('deaf');
  bell.on('rung', () => {
    throw thrown;
  });
  bell.on('rung', (times) => heard.push(times));

  bell.ring(1);

  expect(heard).toEqual([1]);
  expect(reports).toEqual([{ event: 'rung', err: thrown }]);
});
