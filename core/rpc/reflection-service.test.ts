import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { afterEach, expect, test } from '@jest/globals';
import {
  ServerReflectionService,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from './gen/reflection.js';
import { ServerReflectionService as OldReflectionService } from './gen/reflection-v1alpha.js';
import type { RawStream } from './testing/raw-client.js';
import { FakeMember } from './testing/fake-member.js';
import { Servers } from './testing/served.js';

const servers = new Servers();
afterEach(() => servers.end());

type Asked = NonNullable<ServerReflectionRequest['messageRequest']>;
type Answered = NonNullable<ServerReflectionResponse['messageResponse']>;
type Stream = RawStream<ServerReflectionRequest, ServerReflectionResponse>;

const INFO = ServerReflectionService.serverReflectionInfo;
const LIST: Asked = { $case: 'listServices', listServices: '*' };
const symbol = (fileContainingSymbol: string): Asked => ({ $case: 'fileContainingSymbol', fileContainingSymbol });
const file = (fileByFilename: string): Asked => ({ $case: 'fileByFilename', fileByFilename });

async function asked(stream: Stream, messageRequest: Asked): Promise<Answered> {
  const request = { host: 'here', messageRequest };
  stream.send(request);
  const { validHost, originalRequest, messageResponse } = await stream.next();
  expect({ validHost, originalRequest }).toEqual({ validHost: 'here', originalRequest: request });
  return messageResponse as Answered;
}

/** The files that an answer has. */
function filesIn(answer: Answered): FileDescriptorProto[] {
  if (answer.$case !== 'fileDescriptorResponse') throw new Error(`answered ${answer.$case}`);
  const { fileDescriptorProto } = answer.fileDescriptorResponse;
  return fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
}

/** What a tool makes of files that it was sent; it fails if one is missing. */
function registryOf(files: readonly FileDescriptorProto[]): FileRegistry {
  const [first, ...others] = files as [FileDescriptorProto];
  return createFileRegistry(first, (name) => (others as FileDescriptorProto[]).find((each) => each.name === name));
}

test('every service that is served is listed, under both names of reflection', async () => {
  const { client } = await servers.serve(new FakeMember());

  for (const { serverReflectionInfo } of [ServerReflectionService, OldReflectionService]) {
    const stream: Stream = client.stream(serverReflectionInfo, { token: 'forged.1' });
    expect(await asked(stream, LIST)).toEqual({
      $case: 'listServicesResponse',
      listServicesResponse: {
        service: [
          ...[
            'conclave.v1.Admin',
            'etcdserverpb.Auth',
            'etcdserverpb.Cluster',
            'etcdserverpb.KV',
            'etcdserverpb.Lease',
          ],
          ...['etcdserverpb.Maintenance', 'etcdserverpb.Watch', 'grpc.health.v1.Health'],
          ...['grpc.reflection.v1.ServerReflection', 'grpc.reflection.v1alpha.ServerReflection'],
          ...['v3electionpb.Election', 'v3lockpb.Lock'],
        ].map((name) => ({ name })),
      },
    });
    stream.end();
    expect(await stream.ended).toBeUndefined();
  }
});

test('a tool can describe every service that is listed, and encode its messages', async () => {
  const { client } = await servers.serve(new FakeMember());
  const stream = client.stream(INFO);
  const listed = await asked(stream, LIST);
  if (listed.$case !== 'listServicesResponse') throw new Error('it lists services');
  stream.end();

  for (const { name } of listed.listServicesResponse.service) {
    const one = client.stream(INFO);
    const service = registryOf(filesIn(await asked(one, symbol(name)))).getService(name);
    one.end();
    expect(service?.methods.every(({ input, output }) => input.typeName !== '' && output.typeName !== '')).toBe(true);
  }
});

test('a symbol is whatever has a name', async () => {
  const { client } = await servers.serve(new FakeMember());
  const names = [
    ...['etcdserverpb.KV', 'etcdserverpb.KV.Range', 'etcdserverpb.RangeRequest', 'etcdserverpb.RangeRequest.key'],
    ...['etcdserverpb.RangeRequest.SortOrder', 'etcdserverpb.RangeRequest.DESCEND', 'etcdserverpb.RequestOp.request'],
  ];

  for (const name of names) {
    const stream = client.stream(INFO);
    expect({ name, file: filesIn(await asked(stream, symbol(name)))[0]?.name }).toEqual({ name, file: 'kv.proto' });
    stream.end();
  }
});

test('a stream is sent what a file needs once, and the file as often as it asks', async () => {
  const { client } = await servers.serve(new FakeMember());
  const stream = client.stream(INFO);
  const namesOf = async (request: Asked) => filesIn(await asked(stream, request)).map(({ name }) => name);

  expect(await namesOf(file('lock.proto'))).toEqual(['lock.proto', 'header.proto']);
  expect(await namesOf(file('lock.proto'))).toEqual(['lock.proto']);
  expect(await namesOf(symbol('v3electionpb.Election'))).toEqual(['election.proto', 'mvcc.proto']);
  stream.end();
});

test('what there is not is answered so, and the stream goes on', async () => {
  const { client } = await servers.serve(new FakeMember());
  const stream = client.stream(INFO);
  const extension = (containingType: string): Asked => ({
    $case: 'fileContainingExtension',
    fileContainingExtension: { containingType, extensionNumber: 7 },
  });
  const numbers = (allExtensionNumbersOfType: string): Asked => ({
    $case: 'allExtensionNumbersOfType',
    allExtensionNumbersOfType,
  });

  for (const [request, errorMessage] of [
    [symbol('etcdserverpb.Nothing'), 'not found: symbol etcdserverpb.Nothing'],
    [symbol('.etcdserverpb.KV'), 'not found: symbol .etcdserverpb.KV'],
    [symbol(''), 'not found: symbol '],
    [file('none.proto'), 'not found: file none.proto'],
    [file('x'.repeat(9_000)), `not found: file ${'x'.repeat(195)}`],
    [extension('etcdserverpb.RangeRequest'), 'not found: extension 7 of etcdserverpb.RangeRequest'],
    [extension('nothing'), 'not found: extension 7 of nothing'],
    [numbers('nothing'), 'not found: message nothing'],
  ] as const) {
    expect(await asked(stream, request)).toEqual({
      $case: 'errorResponse',
      errorResponse: { errorCode: status.NOT_FOUND, errorMessage },
    });
  }
  expect(await asked(stream, numbers('etcdserverpb.RangeRequest'))).toEqual({
    $case: 'allExtensionNumbersResponse',
    allExtensionNumbersResponse: { baseTypeName: 'etcdserverpb.RangeRequest', extensionNumber: [] },
  });
  stream.end();
});

test('a request that asks for nothing ends the stream, and so does what is no message', async () => {
  const { client } = await servers.serve(new FakeMember());
  const empty = client.stream(INFO);
  empty.send({ host: '', messageRequest: undefined });
  expect(await empty.drain().ended).toMatchObject({ code: status.INVALID_ARGUMENT });

  await expect(client.bytes(INFO.path, Buffer.of(0x0a, 0xff))).rejects.toMatchObject({ code: status.INVALID_ARGUMENT });
});

test('a learner answers too', async () => {
  const member = new FakeMember();
  member.isLearner = true;
  const { client } = await servers.serve(member);
  const stream = client.stream(INFO);

  expect(await asked(stream, LIST)).toMatchObject({ $case: 'listServicesResponse' });
  stream.end();
});

test('one stream more than there may be is refused; when one has ended there is room again', async () => {
  const { client } = await servers.serve(new FakeMember(), { reflectionStreamsMax: 1 });
  const first = client.stream(INFO);
  await asked(first, LIST);

  expect(await client.stream(INFO).drain().ended).toMatchObject({ details: 'etcdserver: too many requests' });
  first.end();
  await first.ended;

  const next = client.stream(INFO);
  expect(await asked(next, LIST)).toMatchObject({ $case: 'listServicesResponse' });
  next.end();
});

test('streams end when the server closes', async () => {
  const { client, server } = await servers.serve(new FakeMember());
  const stream = client.stream(INFO);
  await asked(stream, LIST);

  await server.close();

  expect(await stream.drain().ended).toMatchObject({ code: status.UNAVAILABLE });
});
