import { anything, bare, call, fails, including, like, onPurpose, rule, stream, topic } from '../notation.js';
import type { Expected, Fields, Outcome } from '../rule.js';

const reflected = stream('ServerReflection/ServerReflectionInfo');
const NOT_THERE = fails('UNIMPLEMENTED', 'unknown service grpc.reflection.v1.ServerReflection');
const told = (answer: Fields): Expected<Outcome> =>
  onPurpose('services-tell-of-themselves', {
    etcd: NOT_THERE,
    conclave: bare(including({ originalRequest: anything, ...answer })),
  });

/** What services and messages there are, and are not. */
export const carrier = topic(
  'Carrier',
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

  rule(
    'a method that does not exist',
    call(
      'wrong/noMethod',
      { key: '~a' },
      onPurpose('texts-of-the-carrier', {
        etcd: fails('UNIMPLEMENTED', 'unknown method NoMethod for service etcdserverpb.KV'),
        conclave: fails('UNIMPLEMENTED', like(/\/etcdserverpb\.KV\/NoMethod/)),
      }),
    ),
  ),
  rule(
    'a service that does not exist',
    call(
      'wrong/noService',
      { key: '~a' },
      onPurpose('texts-of-the-carrier', {
        etcd: fails('UNIMPLEMENTED', 'unknown service nonsense.NoService'),
        conclave: fails('UNIMPLEMENTED', like(/\/nonsense\.NoService\/NoMethod/)),
      }),
    ),
  ),
  rule(
    'a message that is none',
    call(
      'wrong/noMessage',
      {},
      onPurpose('a-message-that-is-none', {
        etcd: fails('INTERNAL', like(/unmarshal/)),
        conclave: fails('INVALID_ARGUMENT', like(/^message is .* it must be decodable/)),
      }),
    ),
  ),
);
