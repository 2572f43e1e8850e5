import type { HardState } from '../../../raft/types.js';
import { SEGMENT_HEADER_BYTES } from '../../../wal/format.js';
import { decodeSegmentHeader, encodeSegmentHeader, type SegmentHeader } from '../../../wal/segment-header.js';
import type { Chance } from '../chance.js';
import { assertSame } from '../codec-target.js';
import { drawHardState } from '../draw/log.js';
import { sealSegmentHeader } from '../draw/seal-log.js';
import { Finding, type FuzzTarget } from '../target.js';

function drawHeader(chance: Chance): SegmentHeader {
  return {
    logId: chance.id(),
    ...{ sequence: chance.count(), firstIndex: chance.count(), previousTerm: chance.count() },
    ...{ firstGroup: chance.count(), link: chance.between(0, 2 ** 32 - 1) },
    hardState: drawHardState(chance),
    beginsAnew: chance.oneIn(2),
  };
}

function numbersOf({ sequence, firstIndex, previousTerm, firstGroup, hardState }: SegmentHeader): readonly number[] {
  const { term, commitIndex }: HardState = hardState;
  return [sequence, firstIndex, previousTerm, firstGroup, term, commitIndex];
}

/** The header of a segment of the log, with the hard state as it was when the segment was begun. */
export const walSegmentHeader: FuzzTarget = {
  name: 'wal-segment-header',
  what: "the header of a log's segment, with a hard state",
  draw: (chance) => {
    const header = drawHeader(chance);
    const { bytes } = encodeSegmentHeader(header);
    const check = () => {
      const decoded = decodeSegmentHeader(bytes);
      assertSame(decoded.state === 'valid' && decoded.header, header, 'a header is read as it was written');
    };
    return {
      input: bytes,
      check,
      damaged: (damaged) => {
        const isWhole = damaged.subarray(0, SEGMENT_HEADER_BYTES).equals(bytes);
        if (!isWhole && decodeSegmentHeader(damaged).state === 'valid') throw new Finding('an altered header is read');
      },
    };
  },
  seal: (input) => {
    const sealed = Buffer.from(input);
    sealSegmentHeader(sealed);
    return sealed;
  },
  judge: (input) => {
    const decoded = decodeSegmentHeader(input);
    if (decoded.state !== 'valid') return 'refused';
    if (!numbersOf(decoded.header).every(Number.isSafeInteger)) throw new Finding('a number is read that is not exact');
    return 'read';
  },
};
