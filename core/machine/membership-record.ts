import type { Batch, View } from '../backend/backend.js';
import { assert } from '../base/assert.js';
import { decodeConfiguration, encodeConfiguration } from '../raft/configuration.js';
import type { Configuration, MemberId } from '../raft/types.js';
import { ByteReader } from './byte-reader.js';
import { ByteWriter } from './byte-writer.js';
import { decodeMemberInfos, encodeMemberInfos } from './member-info.js';
import type { MemberInfo } from './types.js';

/** Under which key of the table `meta` the membership is kept. */
const KEY: Uint8Array = Buffer.from('machine.membership');
const VERSION = 1;

/** What the state knows of the cluster's members. */
export interface MembershipState {
  readonly configuration: Configuration;
  /** In order of their ids. */
  readonly members: readonly MemberInfo[];
  /** In ascending order. */
  readonly removed: readonly MemberId[];
}

const NOBODY: MembershipState = { configuration: { voters: [], learners: [] }, members: [], removed: [] };

/** @throws {@link InvariantError} if the record is of a form that this version does not know */
export function readMembership(view: View): MembershipState {
  const record = view.get('meta', KEY);
  if (record === undefined) return NOBODY;
  const reader = new ByteReader(record);
  assert(reader.byte() === VERSION, 'the membership has a version that this program knows');
  const { configuration, context } = decodeConfiguration(reader.bytes());
  const removed: MemberId[] = [];
  for (let left = reader.length(); left > 0; left -= 1) removed.push(reader.unsignedId());
  reader.end();
  return { configuration, members: decodeMemberInfos(context), removed };
}

/**
 * ```text
 * membership = version (1) · bytes of a configuration, its context the infos of all its members · count · removed id*
 * ```
 */
export function writeMembership(batch: Batch, { configuration, members, removed }: MembershipState): void {
  const encoded = encodeConfiguration(configuration, encodeMemberInfos(members));
  const writer = new ByteWriter();
  writer.byte(VERSION);
  writer.bytes(encoded);
  writer.length(removed.length);
  for (const id of removed) writer.unsignedId(id);
  batch.put('meta', KEY, writer.finish());
}
