import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { InvalidArgumentError } from '../base/errors.js';

/** A message that could not be decoded, in its place. */
export class Malformed {
  constructor(readonly error: InvalidArgumentError) {}
}

/**
 * The same service, whose handlers are given {@link Malformed} for what cannot be decoded. grpc-js by itself would
 * answer "internal error", as if the fault were the server's.
 */
export function tolerant(definition: ServiceDefinition): ServiceDefinition {
  const methods = Object.entries(definition) as [string, MethodDefinition<object, object>][];
  return Object.fromEntries(methods.map(([name, method]) => [name, tolerantMethod(method)]));
}

function tolerantMethod(method: MethodDefinition<object, object>): MethodDefinition<object, object> {
  return {
    ...method,
    requestDeserialize(bytes) {
      try {
        return method.requestDeserialize(bytes);
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error);
        return new Malformed(new InvalidArgumentError('message', `${bytes.length} bytes`, `decodable (${why})`));
      }
    },
  };
}
