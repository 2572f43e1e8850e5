import type { Command } from 'commander';
import type { BytesLike } from '../../../base/bytes.js';
import { InvalidArgumentError } from '../../../base/errors.js';
import { everything, fromKey, key, prefix, range } from '../../../base/key-range.js';
import { toRangeFields } from '../../../rpc/convert-requests.js';

/** Flags that make a range of one key. */
export interface KeyRangeFlags {
  readonly prefix?: boolean;
  readonly fromKey?: boolean;
}

/** @param verb - what is done to the keys, for the help */
export function addKeyRangeFlags(command: Command, verb: string): Command {
  return command
    .option('--prefix', `${verb} all keys that begin with the key`)
    .option('--from-key', `${verb} the key and all after it, byte by byte`);
}

/**
 * The keys that arguments and flags mean.
 *
 * @throws {@link InvalidArgumentError} if they contradict each other
 */
export function keyRangeOf(
  name: BytesLike,
  end: BytesLike | undefined,
  flags: KeyRangeFlags,
): { readonly key: Buffer; readonly rangeEnd: Buffer } {
  if (flags.prefix === true && flags.fromKey === true) {
    throw new InvalidArgumentError('--from-key', 'true', 'absent where --prefix is given');
  }
  if (end !== undefined && (flags.prefix === true || flags.fromKey === true)) {
    throw new InvalidArgumentError('range-end', String(end), 'absent where --prefix or --from-key is given');
  }
  if (flags.prefix === true) return toRangeFields(prefix(name));
  if (flags.fromKey === true) return toRangeFields(name.length === 0 ? everything() : fromKey(name));
  // An empty end is none, as in a script that has nothing to put there.
  return toRangeFields(end === undefined || end.length === 0 ? key(name) : range(name, end));
}
