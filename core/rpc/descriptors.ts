import { createFileRegistry, type FileRegistry, fromBinary } from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { FILE_DESCRIPTOR_SET } from './gen/descriptors.js';

let files: FileRegistry | undefined;

/** All our messages and services, as our .proto files describe them: read when they are first asked for. */
export function descriptors(): FileRegistry {
  files ??= createFileRegistry(fromBinary(FileDescriptorSetSchema, Buffer.from(FILE_DESCRIPTOR_SET, 'base64')));
  return files;
}
