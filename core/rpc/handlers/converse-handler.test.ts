import { Duplex } from 'node:stream';
import { Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
import { expect, test } from '@jest/globals';
import { silentLogger } from '../../base/logger.js';
import { DEFAULT_LIMITS } from '../rpc-limits.js';
import { FakeMember } from '../testing/fake-member.js';
import { CallGate } from './call-gate.js';
import { converseHandler } from './converse-handler.js';
import { LastingCalls } from './lasting-calls.js';

/** A stream whose client takes an answer when the test says so; so many of each direction may wait in it. */
class SlowCall extends Duplex {
  readonly metadata = new Metadata();
  readonly answers: unknown[] = [];
  #taken: (() => void) | undefined;

  constructor(waitingMax: number) {
    super({ objectMode: true, highWaterMark: waitingMax });
  }

  takeOne(): void {
    const taken = this.#taken;
    this.#taken = undefined;
    taken?.();
  }

  override _read(): void {}

  override _write(message: unknown, _encoding: BufferEncoding, taken: () => void): void {
    this.answers.push(message);
    this.#taken = taken;
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('no more requests are worked on than answers may wait', async () => {
  const logger = silentLogger;
  const gate = new CallGate({ member: new FakeMember(), logger, limits: DEFAULT_LIMITS, watchMessageBytesMax: 1 });
  let workedOn = 0;
  const handle = converseHandler<number, number>(new LastingCalls(gate), {
    ...{ what: 'streams', most: 1, forLearners: true },
    begin: () => (request) => {
      workedOn += 1;
      return -request;
    },
  });
  const call = new SlowCall(4);
  (handle as unknown as (call: ServerDuplexStream<number, number>) => void)(call as never);

  for (let request = 1; request <= 100; request += 1) call.push(request);
  call.push(null);
  await turn();
  expect(workedOn).toBe(4);

  for (let taken = 1; taken <= 100; taken += 1) {
    call.takeOne();
    await turn();
    expect(workedOn - taken).toBeLessThanOrEqual(4);
  }
  expect(call.answers).toEqual(Array.from({ length: 100 }, (_, index) => -(index + 1)));
  expect(call.writableFinished).toBe(true);
  gate.close();
});
