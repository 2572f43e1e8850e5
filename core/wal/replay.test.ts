import { expect, test } from '@jest/globals';
import type { Entry, HardState } from '../raft/types.js';
import { checksum, GROUP_HEADER_BYTES, saltOf, SEGMENT_HEADER_BYTES } from './format.js';
import { groupBytes, GroupEncoder } from './group.js';
import { readHeader, Replay, type SegmentBytes } from './replay.js';
import { encodeSegmentHeader, type SegmentHeader, segmentName } from './segment-header.js';
import { entriesOf, entry, hardState, shown } from './testing/log-fixture.js';

const FIRST: SegmentHeader = {
  logId: 0xfeedn,
  sequence: 1,
  firstIndex: 1,
  previousTerm: 0,
  firstGroup: 1,
  link: 0,
  beginsAnew: false,
  hardState: hardState(0, 0, 0n),
};

type Append = readonly [HardState | undefined, readonly Entry[]];

/** A segment as a log would write it, and what the next one links to. */
function segment(header: SegmentHeader, appends: readonly Append[], change: Partial<SegmentBytes> = {}) {
  const { bytes, checksum } = encodeSegmentHeader(header);
  const encoder = new GroupEncoder(saltOf(header.logId));
  let link = checksum;
  const groups = appends.map(([state, entries], position) => {
    const group = { sequence: header.firstGroup + position, link, hardState: state, entries };
    const encoded = encoder.encode(group, groupBytes(state, entries));
    link = encoded.checksum;
    return Buffer.from(encoded.bytes);
  });
  const name = segmentName(header.sequence, header.firstIndex);
  const whole = { path: `/log/${name}`, name, bytes: Buffer.concat([bytes, ...groups]), isLast: true, ...change };
  return { segment: whole, link };
}

function replay(...segments: readonly SegmentBytes[]): Replay {
  const read = new Replay(readHeader(segments[0]!).header);
  for (const [position, each] of segments.entries())
    read.readSegment({ ...each, isLast: position === segments.length - 1 });
  return read;
}

test('segments are read one after the other', () => {
  const first = segment(FIRST, [[hardState(1), entriesOf(1, 2)]]);
  const second = segment(
    { ...FIRST, sequence: 2, firstIndex: 3, previousTerm: 1, firstGroup: 2, link: first.link, hardState: hardState(1) },
    [[undefined, entriesOf(3, 4)]],
  );
  const { entries, nextGroup, nextSegment, lastIndex } = replay(first.segment, second.segment).state;
  expect(shown(entries)).toEqual(shown(entriesOf(1, 4)));
  expect({ nextGroup, nextSegment, lastIndex }).toEqual({ nextGroup: 3, nextSegment: 3, lastIndex: 4 });
});

test('a segment that is missing is named', () => {
  const first = segment(FIRST, []);
  const third = segment({ ...FIRST, sequence: 3, link: first.link }, []);
  expect(() => replay(first.segment, third.segment)).toThrow('segment 2, which comes before it, is missing');
});

test('a segment of another log is known', () => {
  const first = segment(FIRST, []);
  const foreign = segment({ ...FIRST, sequence: 2, logId: 1n, link: first.link }, []);
  expect(() => replay(first.segment, foreign.segment)).toThrow('belongs to another log');
});

test.each([
  ['group', { firstGroup: 4 }],
  ['link', { link: 1 }],
  ['index', { firstIndex: 4 }],
])('a segment that does not go on from the %s before it shows that there was more', (_what, change) => {
  const first = segment(FIRST, [[undefined, entriesOf(1, 2)]]);
  const header = { ...FIRST, sequence: 2, firstIndex: 3, previousTerm: 1, firstGroup: 2, link: first.link };
  const second = segment({ ...header, ...change }, []);
  expect(() => replay(first.segment, second.segment)).toThrow(
    'group 2 is not whole, though the next segment was begun',
  );
});

test('a segment under the name of another is known', () => {
  const { segment: misnamed } = segment(FIRST, [], { name: segmentName(2, 1) });
  expect(() => replay(misnamed)).toThrow('another number or first index than its name');
});

test('a group that leaves a gap behind the last entry is refused', () => {
  const { segment: gap } = segment(FIRST, [
    [undefined, [entry(1)]],
    [undefined, [entry(3)]],
  ]);
  expect(() => replay(gap)).toThrow('entry 3 follows entry 1');
});

test.each([
  ['more entries than there are', 32, 2],
  ['fewer entries than there are', 32, 0],
  ['a hard state that is not there', 40, 1],
])('a group that says it has %s is refused, though its checksums are right', (_what, field, value) => {
  const { segment: odd } = segment(FIRST, [[undefined, [entry(1, 1, 'four')]]]);
  const header = odd.bytes.subarray(SEGMENT_HEADER_BYTES, SEGMENT_HEADER_BYTES + GROUP_HEADER_BYTES);
  header.writeUInt32LE(value, field);
  header.writeUInt32LE(checksum(header.subarray(8), saltOf(FIRST.logId)), 4);
  expect(() => replay(odd)).toThrow('the parts of the group do not add up');
});

test('an entry that is longer than its group is refused', () => {
  const { segment: odd } = segment(FIRST, [[undefined, [entry(1, 1, 'four')]]]);
  const group = odd.bytes.subarray(SEGMENT_HEADER_BYTES);
  group.writeUInt32LE(5, GROUP_HEADER_BYTES + 8);
  group.writeUInt32LE(checksum(group.subarray(GROUP_HEADER_BYTES)), 8);
  group.writeUInt32LE(checksum(group.subarray(8, GROUP_HEADER_BYTES), saltOf(FIRST.logId)), 4);
  expect(() => replay(odd)).toThrow('the parts of the group do not add up');
});
