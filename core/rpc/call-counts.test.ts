import { EventEmitter } from 'node:events';
import {
  status,
  type ServiceDefinition,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { expect, test } from '@jest/globals';
import { CallCounts } from './call-counts.js';
import { KVService } from './gen/kv.js';
import { WatchService } from './gen/watch.js';

/** What a carrier is given. */
function carrier() {
  const added: { definition: ServiceDefinition; implementation: UntypedServiceImplementation }[] = [];
  return {
    added,
    addService: (definition: ServiceDefinition, implementation: UntypedServiceImplementation) =>
      void added.push({ definition, implementation }),
  };
}

test('calls, how they end, their messages and bytes are counted, by method', () => {
  const counts = new CallCounts();
  const server = carrier();
  const failure = Object.assign(new Error('no'), { code: status.NOT_FOUND, details: 'no' });
  const answers = [{}, failure, {}];
  counts.on(server).addService(KVService, {
    range: ((_call: unknown, callback: (error: unknown) => void) => {
      const answer = answers.shift();
      callback(answer === failure ? failure : null);
    }) as UntypedHandleCall,
  });
  const [{ definition, implementation }] = server.added as [(typeof server.added)[number]];
  const ask = implementation['range'] as unknown as (call: unknown, callback: () => void) => void;

  for (let i = 0; i < 3; i += 1) ask({}, () => undefined);
  definition['range']?.requestDeserialize(Buffer.of(10, 1, 107));

  const [range] = [...counts.methods].filter(({ method }) => method === 'Range');
  expect(range).toMatchObject({ service: 'etcdserverpb.KV', type: 'unary', startedCount: 3, receivedCount: 1 });
  expect([...(range?.handled ?? [])]).toEqual([
    [status.OK, 2],
    [status.NOT_FOUND, 1],
  ]);
  expect(counts.receivedBytes).toBe(3);
});

test('a stream ends once, in the way that comes first', () => {
  const counts = new CallCounts();
  const server = carrier();
  const calls: EventEmitter[] = [];
  counts.on(server).addService(WatchService, { watch: (call: EventEmitter) => void calls.push(call) });
  const open = server.added[0]?.implementation['watch'] as unknown as (call: EventEmitter) => void;
  for (let i = 0; i < 3; i += 1) open(new EventEmitter());
  const [first, second, third] = calls as [EventEmitter, EventEmitter, EventEmitter];

  first.emit('error', Object.assign(new Error(''), { code: status.UNAVAILABLE }));
  first.emit('finish');
  second.emit('cancelled');
  third.emit('finish');

  const [watch] = [...counts.methods];
  expect(watch).toMatchObject({ type: 'bidi_stream', startedCount: 3 });
  expect([...(watch?.handled ?? [])]).toEqual([
    [status.UNAVAILABLE, 1],
    [status.CANCELLED, 1],
    [status.OK, 1],
  ]);
});
