import type { Entry } from '../../../raft/types.js';
import { GROUP_HEADER_BYTES, saltOf } from '../../../wal/format.js';
import { decodeGroupHeader, decodePayload, GroupEncoder, groupBytes, isPayloadWhole } from '../../../wal/group.js';
import type { Chance } from '../chance.js';
import { assertSame } from '../codec-target.js';
import { drawEntries, drawHardState } from '../draw/log.js';
import { sealGroup } from '../draw/seal-log.js';
import { Finding, type FuzzTarget } from '../target.js';

const SALT = saltOf(0xfeedn);
const LINK = 0x1234;
const SEQUENCE = 7;

type Group = ReturnType<typeof drawGroup>;

function drawGroup(chance: Chance) {
  const hardState = chance.maybe(() => drawHardState(chance));
  const entries = drawEntries(chance, 1 + (chance.count() % 2 ** 50));
  return { sequence: SEQUENCE, link: LINK, hardState, entries };
}

function encode(group: Group): Buffer {
  const { bytes } = new GroupEncoder(SALT).encode(group, groupBytes(group.hardState, group.entries));
  return Buffer.from(bytes);
}

/** What stands at the beginning of the bytes; undefined if that is no whole group. */
function decode(bytes: Buffer): ReturnType<typeof decodePayload> {
  const header = decodeGroupHeader(bytes, 0, SALT);
  if (header === undefined || !isPayloadWhole(header, bytes, 0)) return undefined;
  return decodePayload(header, bytes, 0);
}

function seal(input: Buffer): Buffer | undefined {
  if (input.length < GROUP_HEADER_BYTES) return undefined;
  const sealed = Buffer.from(input);
  sealGroup(sealed, SALT);
  return sealed;
}

/** A group of the log: a hard state, entries, or both, behind a header with two checksums. */
export const walGroup: FuzzTarget = {
  name: 'wal-group',
  what: 'a group of the log, with a hard state and entries',
  draw: (chance) => {
    const group = drawGroup(chance);
    const { hardState, entries } = group;
    const input = encode(group);
    return {
      input,
      check: () => assertSame(decode(input), { hardState, entries }, 'a group is read as it was written'),
    };
  },
  seal,
  judge: (input, origin) => {
    const read = decode(input);
    if (read === undefined) return 'refused';
    // Both checksums of 32 bits hold for what was damaged: that happens once in 2^64.
    if (origin === 'random') throw new Finding('a group was read that nobody wrote');
    assertFollowing(read.entries);
    return 'read';
  },
};

function assertFollowing(entries: readonly Entry[]): void {
  entries.forEach(({ index, data }, at) => {
    if (index !== (entries[0] as Entry).index + at) throw new Finding('the entries of a group have a gap');
    if (!(data instanceof Uint8Array)) throw new Finding('an entry has no data');
  });
}
