import { assert } from '../base/assert.js';
import type { Configuration, MemberId } from './types.js';

const FORMAT = 1;
const ID_BYTES = 8;
const COUNT_MAX = 255;

/**
 * The data of a configuration entry: the whole configuration, then whatever its proposer wants to travel with it.
 *
 * ```
 * format 1 | count, voters | count, outgoing (0: the configuration is not joint) | count, learners | context
 * 1 byte     1 byte, 8 each  1 byte, 8 each                                        1 byte, 8 each    the rest
 * ```
 *
 * Ids have their highest byte first.
 */
export function encodeConfiguration(configuration: Configuration, context: Uint8Array): Uint8Array {
  const groups = [configuration.voters, configuration.outgoing ?? [], configuration.learners];
  const idCount = groups.reduce((sum, group) => sum + group.length, 0);
  const encoded = new Uint8Array(1 + groups.length + idCount * ID_BYTES + context.length);
  const view = new DataView(encoded.buffer);
  let at = 0;
  view.setUint8(at++, FORMAT);
  for (const group of groups) {
    assert(group.length <= COUNT_MAX, 'a group of a configuration has at most 255 members');
    view.setUint8(at++, group.length);
    for (const id of group) {
      view.setBigUint64(at, id);
      at += ID_BYTES;
    }
  }
  encoded.set(context, at);
  return encoded;
}

/**
 * What {@link encodeConfiguration} was given. The context is a view of `data`, not a copy.
 *
 * @throws {@link InvariantError} if these are not the bytes of a configuration: an entry of the log has passed its
 * checksum, so they are another program's, or a bug
 */
export function decodeConfiguration(data: Uint8Array): {
  readonly configuration: Configuration;
  readonly context: Uint8Array;
} {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  let at = 0;
  const byte = () => {
    assert(at < data.length, 'a configuration ends where its bytes end');
    return view.getUint8(at++);
  };
  const group = () => {
    const count = byte();
    assert(at + count * ID_BYTES <= data.length, 'a configuration ends where its bytes end');
    const ids: MemberId[] = [];
    for (; ids.length < count; at += ID_BYTES) ids.push(view.getBigUint64(at));
    return ids;
  };
  assert(byte() === FORMAT, 'a configuration is of a format that this version knows');
  const voters = group();
  const outgoing = group();
  const learners = group();
  return {
    configuration: outgoing.length > 0 ? { voters, outgoing, learners } : { voters, learners },
    context: data.subarray(at),
  };
}
