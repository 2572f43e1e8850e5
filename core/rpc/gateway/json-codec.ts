import { type DescMessage, fromBinary, fromJson, type JsonValue, toBinary, toJson } from '@bufbuild/protobuf';
import { status } from '@grpc/grpc-js';
import { descriptors } from '../descriptors.js';
import { Refusal } from './answers.js';

/** Characters of a reason; a longer one repeats what the client sent. */
const REASON_CHARACTERS_MAX = 300;

/**
 * The messages of one method, between JSON and bytes: proto3's JSON, with the names of the .proto files where we write,
 * and without what is zero or empty.
 */
export class JsonCodec {
  readonly #input: DescMessage;
  readonly #output: DescMessage;

  /** @param path - of gRPC, such as `/etcdserverpb.KV/Range` */
  constructor(path: string) {
    const [, service = '', name] = path.split('/');
    const method = descriptors()
      .getService(service)
      ?.methods.find((each) => each.name === name);
    if (method === undefined) throw new Error(`no .proto file has the method ${path}`);
    this.#input = method.input;
    this.#output = method.output;
  }

  /** @throws {@link Refusal} if it is no such message; fields that it does not have are left out */
  encodeRequest(json: unknown): Buffer {
    try {
      const message = fromJson(this.#input, json as JsonValue, { ignoreUnknownFields: true });
      return Buffer.from(toBinary(this.#input, message));
    } catch (error) {
      // It names the field, what it was given, and what it takes.
      const text = (error instanceof Error ? error.message : String(error)).slice(0, REASON_CHARACTERS_MAX);
      throw new Refusal({ grpc: status.INVALID_ARGUMENT, text });
    }
  }

  decodeResponse(bytes: Uint8Array): JsonValue {
    return toJson(this.#output, fromBinary(this.#output, bytes), { useProtoFieldName: true });
  }
}
