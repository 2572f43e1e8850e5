/**
 * What is known of members as bytes: the context of a configuration entry, and what the state keeps.
 *
 * ```text
 * infos  = version (1) · count · info*
 * info   = flags · id · name · peer URLs · client URLs · incarnation · [replaces]
 * ```
 *
 * Members are in order of their ids, so that the same members are the same bytes.
 */
import { assert } from '../base/assert.js';
import type { MemberId } from '../raft/types.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import type { MemberInfo } from './types.js';

const VERSION = 1;
const FLAG = { learner: 1, replaces: 2 } as const;
const FLAGS = 3;

/** Encoding is synchronous and never begins within another encoding, so one writer serves all. */
const writer = new ByteWriter();

/**
 * The context that a configuration entry has for machines: at least the members that are new in it.
 *
 * @throws {@link InvariantError} if an id or incarnation has more than 64 bits, or an id is there twice
 */
export function encodeMemberInfos(members: readonly MemberInfo[]): Uint8Array {
  writer.reset();
  writer.byte(VERSION);
  writer.length(members.length);
  for (const member of inOrder(members)) writeInfo(member);
  return writer.finish();
}

/**
 * @throws {@link InvariantError} if the bytes are not what {@link encodeMemberInfos} makes
 */
export function decodeMemberInfos(bytes: Uint8Array): readonly MemberInfo[] {
  // A change that only removes members needs no context at all.
  if (bytes.length === 0) return [];
  const reader = new ByteReader(bytes);
  assert(reader.byte() === VERSION, 'what is known of members has a version that this program knows');
  const members: MemberInfo[] = [];
  for (let left = reader.length(); left > 0; left -= 1) members.push(readInfo(reader));
  reader.end();
  assertInOrder(members);
  return members;
}

/** Ascending. */
export function compareIds(a: MemberId, b: MemberId): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function inOrder(members: readonly MemberInfo[]): readonly MemberInfo[] {
  const sorted = [...members].sort((a, b) => compareIds(a.id, b.id));
  assertInOrder(sorted);
  return sorted;
}

function assertInOrder(members: readonly MemberInfo[]): void {
  members.forEach(({ id }, at) => {
    const previous = members[at - 1];
    assert(previous === undefined || previous.id < id, 'members are in order of their ids, each there once');
  });
}

function writeInfo(member: MemberInfo): void {
  writer.byte((member.isLearner ? FLAG.learner : 0) | (member.replaces === undefined ? 0 : FLAG.replaces));
  writer.unsignedId(member.id);
  writer.text(member.name);
  writer.texts(member.peerUrls);
  writer.texts(member.clientUrls);
  writer.unsignedId(member.incarnation);
  if (member.replaces !== undefined) writer.unsignedId(member.replaces);
}

function readInfo(reader: ByteReader): MemberInfo {
  const flags = reader.byte();
  assert((flags & ~FLAGS) === 0, 'what is known of a member has only flags that this program knows');
  const info: MemberInfo = {
    id: reader.unsignedId(),
    name: reader.text(),
    peerUrls: reader.texts(),
    clientUrls: reader.texts(),
    incarnation: reader.unsignedId(),
    isLearner: (flags & FLAG.learner) !== 0,
  };
  return flags & FLAG.replaces ? { ...info, replaces: reader.unsignedId() } : info;
}
