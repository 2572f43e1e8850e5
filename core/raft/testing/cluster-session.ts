import { toBytes } from '../../base/bytes.js';
import { CoordinationError } from '../../base/errors.js';
import type { MemberId } from '../types.js';
import { ScriptedCluster } from './scripted-cluster.js';
import { fieldsOf } from './sole-session.js';

/** A transcript of several members, message by message. */
export class ClusterSession {
  #cluster: ScriptedCluster | undefined;

  run(word: string, parts: readonly string[]): readonly string[] {
    if (word === 'cluster') {
      const [ids = '', ...options] = parts;
      const numbers = Object.entries(fieldsOf(options)).map(([name, value]) => [name, Number(value)]);
      this.#cluster = new ScriptedCluster(idsOf(ids), Object.fromEntries(numbers) as object);
      return this.#cluster.status();
    }
    const cluster = this.#cluster!;
    if (word === 'status') return cluster.status();
    try {
      const said = carryOut(cluster, word, parts);
      return [...cluster.tell(), ...said];
    } catch (error) {
      if (!(error instanceof CoordinationError)) throw error;
      return [...cluster.tell(), `${error.code}: ${error.message}`];
    }
  }
}

/** Carries out a directive; returns what it answers beside what the members then do. */
function carryOut(cluster: ScriptedCluster, word: string, parts: readonly string[]): readonly string[] {
  const [first = '', second = '', third = ''] = parts;
  switch (word) {
    case 'tick':
      cluster.tick(BigInt(first), Number(second));
      return [];
    case 'expire':
      cluster.expire(BigInt(first));
      return [];
    case 'elect':
      cluster.elect(BigInt(first));
      return [];
    case 'elect-after-silence':
      cluster.electAfterSilence(BigInt(first));
      return [];
    case 'deliver':
      cluster.deliver(linkOf(first));
      return [];
    case 'deliver-once':
      cluster.deliverOnce(linkOf(first));
      return [];
    case 'drop':
      cluster.drop(linkOf(first));
      return [];
    case 'cut':
      cluster.cut(BigInt(first), second === '' ? undefined : BigInt(second));
      return [];
    case 'mend':
      cluster.mend();
      return [];
    case 'propose':
      return [at(cluster.act(BigInt(first), (raft) => raft.propose(toBytes(second))))];
    case 'read':
      cluster.act(BigInt(first), (raft) => raft.readIndex(Number(second)));
      return [];
    case 'transfer':
      cluster.act(BigInt(first), (raft) => raft.transferLeadership(BigInt(second)));
      return [];
    case 'gone':
      cluster.act(BigInt(first), (raft) => raft.leaderGone(BigInt(second)));
      return [];
    case 'step-down':
      cluster.act(BigInt(first), (raft) => raft.stepDown());
      return [];
    case 'unreachable':
      cluster.act(BigInt(first), (raft) => raft.reportUnreachable(BigInt(second)));
      return [];
    case 'report-snapshot':
      cluster.act(BigInt(first), (raft) => raft.reportSnapshot(BigInt(second), third as 'installed' | 'failed'));
      return [];
    case 'change': {
      const { voters = '', learners = '' } = fieldsOf(parts.slice(1));
      const wanted = { voters: idsOf(voters), learners: idsOf(learners) };
      return [at(cluster.act(BigInt(first), (raft) => raft.proposeConfiguration(wanted, toBytes('context'))))];
    }
    default:
      carryOutOnDisk(cluster, word, parts);
      return [];
  }
}

function carryOutOnDisk(cluster: ScriptedCluster, word: string, [first = '', second = '']: readonly string[]): void {
  const id = BigInt(first);
  switch (word) {
    case 'join':
      return cluster.join(id);
    case 'hold-disk':
      return cluster.holdDisk(id);
    case 'release-disk':
      return cluster.releaseDisk(id);
    case 'crash':
      return cluster.crash(id);
    case 'start':
      return cluster.start(id);
    case 'compact':
      return cluster.compact(id, Number(second));
    case 'take-snapshot':
      return cluster.takeSnapshot(id, BigInt(second));
    case 'send-snapshot':
      return cluster.sendSnapshot(id, BigInt(second));
    default:
      throw new Error(`no such directive: ${word}`);
  }
}

function idsOf(text: string): readonly MemberId[] {
  return text === '' ? [] : text.split(',').map(BigInt);
}

/** `1>2`: from 1 to 2. */
function linkOf(text: string): readonly [MemberId, MemberId] | undefined {
  if (text === '') return undefined;
  const [from = '', to = ''] = text.split('>');
  return [BigInt(from), BigInt(to)];
}

function at({ index, term }: { readonly index: number; readonly term: number }): string {
  return `index ${index}, term ${term}`;
}
