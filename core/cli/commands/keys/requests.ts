/** What the flags of `get`, `put` and `del` ask for; a transaction's lines have the same. */
import type { Command } from 'commander';
import { asBuffer, type BytesLike, toBytes } from '../../../base/bytes.js';
import {
  type DeleteRangeRequest,
  type PutRequest,
  RangeRequest,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
} from '../../../rpc/gen/kv.js';
import { oneOf } from '../../flag.js';
import { parseLeaseId } from '../../print/wording.js';
import { uint63 } from '../numbers.js';
import { addKeyRangeFlags, type KeyRangeFlags, keyRangeOf } from './key-range-flags.js';

/** Flags of `get` that the server is told of. */
export interface GetFlags extends KeyRangeFlags {
  readonly limit?: string;
  readonly rev?: string;
  readonly order?: string;
  readonly sortBy?: string;
  readonly consistency?: string;
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
  readonly minModRev?: string;
  readonly maxModRev?: string;
  readonly minCreateRev?: string;
  readonly maxCreateRev?: string;
}

/** Flags of `put`. */
export interface PutFlags {
  readonly lease?: string;
  readonly prevKv?: boolean;
  readonly ignoreValue?: boolean;
  readonly ignoreLease?: boolean;
}

/** Flags of `del`. */
export interface DeleteFlags extends KeyRangeFlags {
  readonly prevKv?: boolean;
}

const TARGETS = ['CREATE', 'KEY', 'MODIFY', 'VALUE', 'VERSION'] as const;

const SORT_TARGETS: Readonly<Record<(typeof TARGETS)[number], SortTarget>> = {
  CREATE: SortTarget.CREATE,
  KEY: SortTarget.KEY,
  MODIFY: SortTarget.MOD,
  VALUE: SortTarget.VALUE,
  VERSION: SortTarget.VERSION,
};

export function addGetFlags(command: Command): Command {
  return addKeyRangeFlags(command, 'get')
    .option('--limit <count>', 'at most so many keys')
    .option('--rev <revision>', 'as of that revision')
    .option('--order <ASCEND|DESCEND>', 'in which order')
    .option(`--sort-by <${TARGETS.join('|')}>`, 'ordered by what')
    .option('--consistency <l|s>', 'l: as a majority knows it; s: as the member that is asked does', 'l')
    .option('--keys-only', 'without values')
    .option('--count-only', 'how many there are, and nothing of them')
    .option('--min-mod-rev <revision>', 'only what was last changed then or later')
    .option('--max-mod-rev <revision>', 'only what was last changed then or before')
    .option('--min-create-rev <revision>', 'only what was created then or later')
    .option('--max-create-rev <revision>', 'only what was created then or before');
}

export function addPutFlags(command: Command): Command {
  return command
    .option('--lease <id>', 'the lease that the key lives by, in hexadecimal digits')
    .option('--prev-kv', 'tell what was there before')
    .option('--ignore-value', 'keep the value that is there')
    .option('--ignore-lease', 'keep the lease that is there');
}

export function addDeleteFlags(command: Command): Command {
  return addKeyRangeFlags(command, 'delete').option('--prev-kv', 'tell what was there before');
}

/** @throws {@link InvalidArgumentError} if a flag makes no sense */
export function rangeRequest(name: BytesLike, end: BytesLike | undefined, flags: GetFlags): RangeRequest {
  const number = (text: string | undefined, given: string) => (text === undefined ? 0n : uint63(text, given));
  return {
    ...keyRangeOf(name, end, flags),
    limit: number(flags.limit, '--limit'),
    revision: number(flags.rev, '--rev'),
    ...sorting(flags),
    serializable: oneOf(['l', 's'], '', 'l').parse(flags.consistency ?? 'l', '--consistency') === 's',
    keysOnly: flags.keysOnly ?? false,
    countOnly: flags.countOnly ?? false,
    minModRevision: number(flags.minModRev, '--min-mod-rev'),
    maxModRevision: number(flags.maxModRev, '--max-mod-rev'),
    minCreateRevision: number(flags.minCreateRev, '--min-create-rev'),
    maxCreateRevision: number(flags.maxCreateRev, '--max-create-rev'),
  };
}

/** @throws {@link InvalidArgumentError} if a flag makes no sense */
export function putRequest(name: BytesLike, value: Buffer, flags: PutFlags): PutRequest {
  return {
    key: asBuffer(toBytes(name)),
    value,
    lease: flags.lease === undefined ? 0n : parseLeaseId(flags.lease),
    prevKv: flags.prevKv ?? false,
    ignoreValue: flags.ignoreValue ?? false,
    ignoreLease: flags.ignoreLease ?? false,
  };
}

/** @throws {@link InvalidArgumentError} if a flag makes no sense */
export function deleteRequest(name: BytesLike, end: BytesLike | undefined, flags: DeleteFlags): DeleteRangeRequest {
  return { ...keyRangeOf(name, end, flags), prevKv: flags.prevKv ?? false };
}

/** A request for keys, of which only some fields matter. */
export function plainRange(fields: Partial<RangeRequest>): RangeRequest {
  return { ...RangeRequest.decode(new Uint8Array(0)), ...fields };
}

/** Lower case will do, as with etcdctl. By keys upwards is how they come anyway: etcd does not sort them again. */
function sorting({ order, sortBy }: GetFlags): Pick<RangeRequest, 'sortOrder' | 'sortTarget'> {
  const orders = ['ASCEND', 'DESCEND'] as const;
  const target =
    sortBy === undefined || sortBy === ''
      ? undefined
      : oneOf(TARGETS, '', 'KEY').parse(sortBy.toUpperCase(), '--sort-by');
  const word =
    order === undefined || order === '' ? undefined : oneOf(orders, '', 'ASCEND').parse(order.toUpperCase(), '--order');
  const sortTarget = SORT_TARGETS[target ?? 'KEY'];
  if (word === 'DESCEND') return { sortOrder: SortOrder.DESCEND, sortTarget };
  const isAsked = word === 'ASCEND' || target !== undefined;
  return { sortOrder: isAsked && sortTarget !== SortTarget.KEY ? SortOrder.ASCEND : SortOrder.NONE, sortTarget };
}
