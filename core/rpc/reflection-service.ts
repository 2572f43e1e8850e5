import { type DescFile, type FileRegistry, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { InvalidArgumentError } from '../base/errors.js';
import { descriptors } from './descriptors.js';
import type { ServerReflectionRequest, ServerReflectionResponse } from './gen/reflection.js';
import { symbolsOf } from './reflection-symbols.js';

type Answer = NonNullable<ServerReflectionResponse['messageResponse']>;

/**
 * gRPC's standard reflection, by which tools such as grpcurl learn what services and messages there are. It tells what is in
 * the .proto files, and nothing of what is stored.
 *
 * @remarks Source: grpc-proto, `grpc/reflection/v1/reflection.proto`; what it leaves open is as in grpc-go.
 */
export class ReflectionService {
  readonly #serviceNames: readonly string[];
  #symbols: ReadonlyMap<string, DescFile> | undefined;

  /** @param serviceNames - of the services that are served, with their packages */
  constructor(serviceNames: readonly string[]) {
    this.#serviceNames = [...serviceNames].sort();
  }

  /** What answers the requests of one stream, one after the other. It throws {@link InvalidArgumentError} for an empty one. */
  begin(): (request: ServerReflectionRequest) => ServerReflectionResponse {
    const sentFiles = new Set<string>();
    return (request) => ({
      validHost: request.host,
      originalRequest: request,
      messageResponse: this.#answer(request.messageRequest, sentFiles),
    });
  }

  #answer(request: ServerReflectionRequest['messageRequest'], sentFiles: Set<string>): Answer {
    switch (request?.$case) {
      case 'fileByFilename': {
        const name = request.fileByFilename;
        return filesOf(descriptors().getFile(name), `file ${name}`, sentFiles);
      }
      case 'fileContainingSymbol': {
        const name = request.fileContainingSymbol;
        this.#symbols ??= symbolsOf(descriptors());
        return filesOf(this.#symbols.get(name), `symbol ${name}`, sentFiles);
      }
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = request.fileContainingExtension;
        const extended = descriptors().getMessage(containingType);
        const extension = extended && descriptors().getExtensionFor(extended, extensionNumber);
        return filesOf(extension?.file, `extension ${extensionNumber} of ${containingType}`, sentFiles);
      }
      case 'allExtensionNumbersOfType':
        return extensionNumbers(descriptors(), request.allExtensionNumbersOfType);
      case 'listServices': {
        const service = this.#serviceNames.map((name) => ({ name }));
        return { $case: 'listServicesResponse', listServicesResponse: { service } };
      }
      case undefined:
        throw new InvalidArgumentError('message_request', 'none', 'one of those of grpc.reflection.v1');
    }
  }
}

/** A file and all that it needs, as far as the stream was not sent them before; the file itself always. */
function filesOf(file: DescFile | undefined, what: string, sentFiles: Set<string>): Answer {
  if (file === undefined) return notFound(what);
  const fileDescriptorProto: Buffer[] = [];
  const send = (each: DescFile) => {
    sentFiles.add(each.name);
    fileDescriptorProto.push(Buffer.from(toBinary(FileDescriptorProtoSchema, each.proto)));
    for (const needed of each.dependencies) if (!sentFiles.has(needed.name)) send(needed);
  };
  send(file);
  return { $case: 'fileDescriptorResponse', fileDescriptorResponse: { fileDescriptorProto } };
}

/** A message without extensions has none, which is no error. */
function extensionNumbers(registry: FileRegistry, baseTypeName: string): Answer {
  if (registry.getMessage(baseTypeName) === undefined) return notFound(`message ${baseTypeName}`);
  const extensionNumber = [...registry].flatMap((type) =>
    type.kind === 'extension' && type.extendee.typeName === baseTypeName ? [type.number] : [],
  );
  return { $case: 'allExtensionNumbersResponse', allExtensionNumbersResponse: { baseTypeName, extensionNumber } };
}

/** An error of one request, behind which the stream goes on. */
function notFound(what: string): Answer {
  const errorMessage = `not found: ${what.slice(0, NAME_CHARACTERS_MAX)}`;
  return { $case: 'errorResponse', errorResponse: { errorCode: status.NOT_FOUND, errorMessage } };
}

/** Of a longer name the answer, which repeats the request besides, has the beginning. */
const NAME_CHARACTERS_MAX = 200;
