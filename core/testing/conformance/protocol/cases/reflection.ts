import { anything, bare, fails, including, onPurpose, rule, stream, topic } from '../notation.js';
import type { Expected, Fields, Outcome } from '../rule.js';

const reflected = stream('ServerReflection/ServerReflectionInfo');
const NOT_THERE = fails('UNIMPLEMENTED', 'unknown service grpc.reflection.v1.ServerReflection');
const told = (answer: Fields): Expected<Outcome> =>
  onPurpose('services-tell-of-themselves', {
    etcd: NOT_THERE,
    conclave: bare(including({ originalRequest: anything, ...answer })),
  });

/** What services and messages there are. */
export const reflection = topic(
  'Reflection',
  ...(
    [
      ['all services', { listServices: '*' }, { listServicesResponse: anything }],
      ['a service', { fileContainingSymbol: 'etcdserverpb.KV' }, { fileDescriptorResponse: anything }],
      ['a method', { fileContainingSymbol: 'etcdserverpb.KV.Range' }, { fileDescriptorResponse: anything }],
      ['a message', { fileContainingSymbol: 'mvccpb.KeyValue' }, { fileDescriptorResponse: anything }],
      ['what is not there', { fileContainingSymbol: 'nonsense' }, { errorResponse: anything }],
      ['a file that is not there', { fileByFilename: 'nonsense.proto' }, { errorResponse: anything }],
    ] as const
  ).map(([name, request, answer]) =>
    rule(`reflection of ${name}`, reflected.send(request), reflected.receive(told(answer))),
  ),
);
