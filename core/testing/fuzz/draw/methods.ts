import {
  createFileRegistry,
  type DescMethod,
  type DescService,
  fromBinary,
  type FileRegistry,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { PATHS } from '../../../rpc/gateway/paths.js';
import { FILE_DESCRIPTOR_SET } from '../../../rpc/gen/descriptors.js';

/** How a call of a method goes on. */
export type Carries =
  /** One request, one answer. */
  | 'unary'
  /** One request, and an answer as soon as there is something to tell, which may be never. */
  | 'waits'
  /** One request, and answers until all is told. */
  | 'download'
  /** Requests and answers, until nothing is watched any more. */
  | 'watch'
  /** Requests, and an answer to each. */
  | 'keepAlive';

/** A method as its .proto file has it. */
export interface Method {
  /** Of gRPC. */
  readonly path: string;
  /** Of the gateway; undefined if it has none. */
  readonly jsonPath: string | undefined;
  readonly carries: Carries;
  readonly input: DescMethod['input'];
}

const JSON_PATHS = new Map([...PATHS].map(([jsonPath, path]) => [path, jsonPath] as const));
/** They take as long as their client waits. */
const WAITING = /\/(Lock|Campaign|Observe)$/;

/** All our messages and services. */
const REGISTRY: FileRegistry = createFileRegistry(
  fromBinary(FileDescriptorSetSchema, Buffer.from(FILE_DESCRIPTOR_SET, 'base64')),
);

/** Every method of every service that there is a .proto file for, so that none is forgotten. */
export const METHODS: readonly Method[] = [...REGISTRY]
  .filter((description): description is DescService => description.kind === 'service')
  .flatMap(({ typeName, methods }) => methods.map((method) => methodOf(`/${typeName}/${method.name}`, method)));

function methodOf(path: string, { methodKind, input }: DescMethod): Method {
  return { path, jsonPath: JSON_PATHS.get(path), carries: carriesOf(path, methodKind), input };
}

function carriesOf(path: string, kind: DescMethod['methodKind']): Carries {
  if (WAITING.test(path)) return 'waits';
  switch (kind) {
    case 'unary':
      return 'unary';
    case 'server_streaming':
      return path.endsWith('/Watch') ? 'waits' : 'download';
    default:
      return path.endsWith('/LeaseKeepAlive') ? 'keepAlive' : 'watch';
  }
}
