import { align, checksum, GROUP_HEADER_BYTES, saltOf, SEGMENT_HEADER_BYTES } from '../../../wal/format.js';

/** "CgrP", with which groups begin. */
const GROUP_MAGIC = 0x50726743;

/** Both checksums of a segment's header, as if it had been written so. @returns the one that the first group links to */
export function sealSegmentHeader(segment: Buffer): number {
  if (segment.length < SEGMENT_HEADER_BYTES) return 0;
  segment.writeUInt32LE(checksum(segment.subarray(0, 12)), 12);
  const sum = checksum(segment.subarray(0, SEGMENT_HEADER_BYTES - 4));
  segment.writeUInt32LE(sum, SEGMENT_HEADER_BYTES - 4);
  return sum;
}

/** The checksums of a group's payload and header. @returns the one that the next group links to */
export function sealGroup(group: Buffer, salt: number): number {
  const end = Math.min(group.length, align(GROUP_HEADER_BYTES + group.readUInt32LE(36)));
  group.writeUInt32LE(checksum(group.subarray(GROUP_HEADER_BYTES, end)), 8);
  const sum = checksum(group.subarray(8, GROUP_HEADER_BYTES), salt);
  group.writeUInt32LE(sum, 4);
  return sum;
}

/** All of a segment: its header, and every group that follows the one before it, linked to that. @returns the last one's */
export function sealSegment(segment: Buffer, previousLink: number): number {
  if (segment.length < SEGMENT_HEADER_BYTES) return previousLink;
  segment.writeUInt32LE(previousLink, 56);
  let link = sealSegmentHeader(segment);
  const salt = saltOf(segment.readBigUInt64LE(16));
  for (let at = SEGMENT_HEADER_BYTES; at + GROUP_HEADER_BYTES <= segment.length;) {
    const group = segment.subarray(at);
    if (group.readUInt32LE(0) !== GROUP_MAGIC) break;
    group.writeUInt32LE(link, 12);
    link = sealGroup(group, salt);
    at += align(GROUP_HEADER_BYTES + group.readUInt32LE(36));
  }
  return link;
}
