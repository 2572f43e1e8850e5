import { expect, test } from '@jest/globals';
import { asBuffer } from '../base/bytes.js';
import type { Entry } from '../raft/types.js';
import { checksum, CONFIGURATION_BIT, ENTRY_HEADER_BYTES, GROUP_HEADER_BYTES, saltOf } from './format.js';
import { decodeGroupHeader, decodePayload, groupBytes, GroupEncoder, type GroupHeader } from './group.js';
import { sealGroup, sealSegmentHeader } from '../testing/fuzz/draw/seal-log.js';
import { decodeSegmentHeader, encodeSegmentHeader } from './segment-header.js';
import { entry, hardState } from './testing/log-fixture.js';

const SALT = saltOf(0xfeedn);

function encoded(entries: readonly Entry[], state = hardState(2, 1)): Buffer {
  const group = { sequence: 3, link: 0x01020304, hardState: state, entries };
  return Buffer.from(new GroupEncoder(SALT).encode(group, groupBytes(state, entries)).bytes);
}

function decoded(bytes: Buffer) {
  return decodePayload(decodeGroupHeader(bytes, 0, SALT) as GroupHeader, bytes, 0);
}

const CONFIGURATION: Entry = { ...entry(6, 2, 'who'), kind: 'configuration' };

test('a group is these bytes', () => {
  expect(encoded([entry(5, 2, 'ab'), CONFIGURATION]).toString('hex')).toBe(
    [
      // Its own header, then the hard state.
      ['43677250', '6661e70d', '6143de35', '04030201', '0300000000000000', '0500000000000000'],
      ['02000000', '35000000', '01000000', '00000000'],
      ['0200000000000000', '0700000000000000', '0100000000000000'],
      // The command, then the configuration, then zeros.
      ['0200000000000000', '02000000', '6162'],
      ['0200000000000000', '03000040', '77686f'],
      ['000000'],
    ]
      .flat()
      .join(''),
  );
});

test("an entry's kind comes back, and only where it has one", () => {
  const entries = [entry(5, 2, 'ab'), CONFIGURATION, entry(7, 2, '')];

  const back = decoded(encoded(entries))?.entries ?? [];

  expect(back.map(({ kind }) => kind)).toEqual([undefined, 'configuration', undefined]);
  expect(back.map((each) => 'kind' in each)).toEqual([false, true, false]);
  expect(asBuffer(back[1]?.data as Uint8Array).toString()).toBe('who');
});

test('a kind that this program does not know does not add up', () => {
  const bytes = encoded([CONFIGURATION]);
  const lengthAt = GROUP_HEADER_BYTES + 24 + ENTRY_HEADER_BYTES - 4;
  expect(bytes.readUInt32LE(lengthAt)).toBe(CONFIGURATION_BIT + 3);
  for (const kindBits of [2 * CONFIGURATION_BIT, 3 * CONFIGURATION_BIT]) {
    bytes.writeUInt32LE(kindBits + 3, lengthAt);
    bytes.writeUInt32LE(checksum(bytes.subarray(GROUP_HEADER_BYTES)), 8);
    bytes.writeUInt32LE(checksum(bytes.subarray(8, GROUP_HEADER_BYTES), SALT), 4);
    expect(decoded(bytes)).toBeUndefined();
  }
});

test.each([
  ['a term of the hard state', GROUP_HEADER_BYTES],
  ['a commit index', GROUP_HEADER_BYTES + 16],
  ['a term of an entry', GROUP_HEADER_BYTES + 24],
  ['a first index', 24],
])('%s beyond what is exact does not add up, though the checksums are right', (_, at) => {
  const bytes = encoded([entry(5, 2, 'ab')]);
  bytes.fill(0xff, at, at + 7);

  sealGroup(bytes, SALT);

  expect(decoded(bytes)).toBeUndefined();
});

test.each([24, 32, 40, 48, 64, 80])('a number at %i of a segment header beyond what is exact is damage', (at) => {
  const start = { logId: 1n, sequence: 1, firstIndex: 1, previousTerm: 0, firstGroup: 1, link: 0 };
  const { bytes } = encodeSegmentHeader({ ...start, hardState: hardState(1), beginsAnew: false });
  bytes.fill(0xff, at, at + 7);

  sealSegmentHeader(bytes);

  expect(decodeSegmentHeader(bytes)).toEqual({ state: 'damaged', why: expect.stringContaining('number') });
});
