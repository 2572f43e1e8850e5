import { Metadata, status } from '@grpc/grpc-js';
import type { IncomingHttpHeaders } from 'node:http';
import { InvalidArgumentError } from '../../base/errors.js';
import { Refusal } from './answers.js';

/** Headers that begin so arrive at the services without it. */
const PASSED_ON = 'grpc-metadata-';
/** gRPC's own, which a header must not set. */
const RESERVED = /^(grpc-|:)/;
/** Where HTTP has a token. */
const AUTHORIZATION = 'authorization';

/** Of the header `Grpc-Timeout`, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/**
 * What a call tells of itself beside its message: the token, and every header `Grpc-Metadata-…`.
 *
 * @throws {@link InvalidArgumentError} if a header has a name or value that gRPC cannot carry
 */
export function metadataOf(headers: IncomingHttpHeaders): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) {
    const passedOn = name === AUTHORIZATION ? name : name.startsWith(PASSED_ON) && name.slice(PASSED_ON.length);
    if (!passedOn || RESERVED.test(passedOn) || value === undefined) continue;
    try {
      for (const each of [value].flat()) metadata.add(passedOn, toValue(passedOn, each));
    } catch {
      throw new InvalidArgumentError(`header ${name}`, value, 'a name and a text that gRPC can carry');
    }
  }
  return metadata;
}

/** How long a client waits, in milliseconds; undefined if it does not say. @throws {@link Refusal} */
export function timeoutMsOf(headers: IncomingHttpHeaders): number | undefined {
  const value = headers['grpc-timeout'];
  if (value === undefined) return undefined;
  const [, amount, unit] = /^(\d{1,8})([HMSmun])$/.exec(String(value)) ?? [];
  if (amount === undefined || unit === undefined) {
    throw new Refusal({ grpc: status.INVALID_ARGUMENT, text: `invalid grpc-timeout: ${String(value)}` });
  }
  return Number(amount) * (UNITS[unit] as number);
}

function toValue(name: string, text: string): string | Buffer {
  return name.endsWith('-bin') ? Buffer.from(text, 'base64') : text;
}
