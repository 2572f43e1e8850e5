import { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire';

interface HealthRequest {
  service: string;
}

interface HealthResponse {
  status: number;
}

/** The only field of both messages. */
const FIELD = 1;

function encodeRequest({ service }: HealthRequest): Buffer {
  const writer = new BinaryWriter();
  if (service !== '') writer.tag(FIELD, 2).string(service);
  return Buffer.from(writer.finish());
}

function decodeRequest(bytes: Buffer): HealthRequest {
  const reader = new BinaryReader(bytes);
  const request: HealthRequest = { service: '' };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === FIELD) request.service = reader.string();
    else reader.skip(wireType);
  }
  return request;
}

function encodeResponse({ status }: HealthResponse): Buffer {
  const writer = new BinaryWriter();
  if (status !== 0) writer.tag(FIELD, 0).int32(status);
  return Buffer.from(writer.finish());
}

function decodeResponse(bytes: Buffer): HealthResponse {
  const reader = new BinaryReader(bytes);
  const response: HealthResponse = { status: 0 };
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === FIELD) response.status = reader.int32();
    else reader.skip(wireType);
  }
  return response;
}

const messages = {
  requestStream: false,
  requestSerialize: encodeRequest,
  requestDeserialize: decodeRequest,
  responseSerialize: encodeResponse,
  responseDeserialize: decodeResponse,
} as const;

/** The standard health service, written down here a second time: what answers it has messages of its own. */
export const HealthService = {
  check: { ...messages, path: '/grpc.health.v1.Health/Check', responseStream: false },
  watch: { ...messages, path: '/grpc.health.v1.Health/Watch', responseStream: true },
} as const;
