import type { Alarm, AlarmKind, AlarmRequest } from '../base/alarm.js';
import { asBuffer } from '../base/bytes.js';
import { InvalidArgumentError, UnknownMethodError } from '../base/errors.js';
import { ERRORS } from './errors.js';
import {
  AlarmRequest_AlarmAction as AlarmAction,
  AlarmType,
  DowngradeRequest_DowngradeAction as DowngradeAction,
} from './gen/maintenance.js';
import type * as pb from './gen/maintenance.js';
import { fromInt64 } from './int64.js';
import { headerOf, type MaintenancePort, type PortSnapshot } from './ports.js';

/**
 * The version of etcd whose protocol this is. Clients read it to learn what they may ask; Conclave's own version is told
 * by `conclave --version`.
 */
export const ETCD_VERSION = '3.5.0';

/** Its minor version, with which all members of a cluster go on. */
export const CLUSTER_VERSION = ETCD_VERSION.replace(/\.\d+$/, '.0');

const KINDS: Partial<Record<AlarmType, AlarmKind>> = {
  [AlarmType.NOSPACE]: 'NOSPACE',
  [AlarmType.CORRUPT]: 'CORRUPT',
};

const DOWNGRADE_ACTIONS: Partial<Record<DowngradeAction, 'validate' | 'enable' | 'cancel'>> = {
  [DowngradeAction.VALIDATE]: 'validate',
  [DowngradeAction.ENABLE]: 'enable',
  [DowngradeAction.CANCEL]: 'cancel',
};

/** Bytes of a snapshot in one message, as etcd sends them. */
const SNAPSHOT_BLOB_BYTES = 32 * 1024;

/** etcd's Maintenance service over a member, whatever carries its messages. Each call throws what the member throws. */
export class MaintenanceService {
  readonly #port: MaintenancePort;

  constructor(port: MaintenancePort) {
    this.#port = port;
  }

  /** An alarm of no kind is neither raised nor ended, which is no error. */
  async alarm(request: pb.AlarmRequest): Promise<pb.AlarmResponse> {
    const asked = alarmRequestOf(request);
    const alarms = asked === undefined ? [] : await this.#port.alarm(asked);
    return { header: headerOf(this.#port), alarms: alarms.map(toAlarmMember) };
  }

  async status(): Promise<pb.StatusResponse> {
    const status = this.#port.status();
    return {
      header: headerOf(this.#port),
      version: ETCD_VERSION,
      dbSize: status.sizeBytes,
      dbSizeInUse: status.usedBytes,
      leader: status.leader ?? 0n,
      raftIndex: status.raftIndex,
      raftTerm: status.term,
      raftAppliedIndex: status.appliedIndex,
      errors: errorsOf(status),
      isLearner: status.isLearner,
      storageVersion: CLUSTER_VERSION,
      dbSizeQuota: Math.max(0, status.quotaBytes),
      downgradeInfo: { enabled: false, targetVersion: '' },
    };
  }

  /** As etcd, it answers without a header. */
  async defragment(): Promise<pb.DefragmentResponse> {
    await this.#port.defragment();
    return { header: undefined };
  }

  async hashKv(request: pb.HashKVRequest): Promise<pb.HashKVResponse> {
    const { hash, compactRevision, hashRevision } = await this.#port.hashKv(fromInt64(request.revision));
    // The field has 32 bits. Equal states have equal hashes still. etcd says -1 of a store that was never compacted.
    const compacted = compactRevision === 0 ? -1 : compactRevision;
    return { header: headerOf(this.#port), hash: hash >>> 0, compactRevision: compacted, hashRevision };
  }

  /** etcd's is a checksum of its file; this is the running hash of all that was applied, in the field's 32 bits. */
  async hash(): Promise<pb.HashResponse> {
    const hash = await this.#port.hash();
    return { header: headerOf(this.#port), hash: (hash ^ Math.floor(hash / 2 ** 32)) >>> 0 };
  }

  /** The version that is answered is that of the cluster. */
  async downgrade({ action, version }: pb.DowngradeRequest): Promise<pb.DowngradeResponse> {
    const asked = DOWNGRADE_ACTIONS[action];
    if (asked === undefined) throw new UnknownMethodError(`action ${action} of a downgrade`);
    await this.#port.downgrade(asked, version);
    return { header: headerOf(this.#port), version: CLUSTER_VERSION.replace(/\.\d+$/, '') };
  }

  async moveLeader({ targetID }: pb.MoveLeaderRequest): Promise<pb.MoveLeaderResponse> {
    await this.#port.moveLeader(targetID);
    return { header: headerOf(this.#port) };
  }

  /**
   * The file of a snapshot, piece by piece. Whoever stops asking for more lets go of the view behind it. How much is left
   * is about so until the last piece, which alone says 0.
   */
  async *snapshot(): AsyncGenerator<pb.SnapshotResponse, void, undefined> {
    const snapshot = this.#port.snapshot();
    try {
      let remainingBytes = snapshot.sizeBytes;
      let blob: Buffer | undefined;
      for await (const next of blobsOf(snapshot)) {
        if (blob !== undefined) {
          remainingBytes = Math.max(next.length, remainingBytes - blob.length);
          yield this.#piece(blob, remainingBytes);
        }
        blob = next;
      }
      if (blob !== undefined) yield this.#piece(blob, 0);
    } finally {
      await snapshot.close();
    }
  }

  #piece(blob: Buffer, remainingBytes: number): pb.SnapshotResponse {
    return { header: headerOf(this.#port), remainingBytes, blob, version: ETCD_VERSION };
  }
}

/** etcd's clients look for its own text for the lack of a leader. */
function errorsOf({ leader, errors, alarms }: ReturnType<MaintenancePort['status']>): string[] {
  const others = [...alarms.map(textOf), ...errors.filter((text) => text !== 'no leader')];
  return leader === undefined ? [ERRORS.NO_LEADER.text, ...others] : others;
}

/** As the text form of etcd's message, which leaves out what is 0 and ends each field with a space. */
function textOf({ memberId, kind }: Alarm): string {
  return `${memberId === 0n ? '' : `memberID:${memberId} `}alarm:${kind} `;
}

function toAlarmMember({ memberId, kind }: Alarm): pb.AlarmMember {
  return { memberID: memberId, alarm: AlarmType[kind] };
}

/** @throws {@link InvalidArgumentError} for an action or a kind that does not exist */
function alarmRequestOf({ action, alarm, memberID }: pb.AlarmRequest): AlarmRequest | undefined {
  const kind = KINDS[alarm];
  if (kind === undefined && alarm !== AlarmType.NONE) {
    throw new InvalidArgumentError('alarm', alarm, 'NONE, NOSPACE or CORRUPT');
  }
  switch (action) {
    case AlarmAction.GET:
      return { action: 'get', kind };
    case AlarmAction.ACTIVATE:
    case AlarmAction.DEACTIVATE:
      if (kind === undefined) return undefined;
      return { action: action === AlarmAction.ACTIVATE ? 'raise' : 'end', alarm: { memberId: memberID, kind } };
    default:
      throw new InvalidArgumentError('action', action, 'GET, ACTIVATE or DEACTIVATE');
  }
}

async function* blobsOf(snapshot: PortSnapshot): AsyncGenerator<Buffer, void, undefined> {
  for await (const chunk of snapshot.chunks()) {
    for (let start = 0; start < chunk.length; start += SNAPSHOT_BLOB_BYTES) {
      yield asBuffer(chunk.subarray(start, start + SNAPSHOT_BLOB_BYTES));
    }
  }
}
