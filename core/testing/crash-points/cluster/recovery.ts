import { hasCode, MemberRemovedError } from '../../../base/errors.js';
import { seededPrng } from '../../../base/prng.js';
import type { Assembled } from '../../../server/assemble.js';
import type { Peers } from '../../../server/cluster.js';
import { startMemberOn } from '../../../server/start-member.js';
import { ManualClock } from '../../manual-clock.js';
import { platformOnDisk } from '../../simulation/disk/platform-on-disk.js';
import type { VirtualDisk } from '../../simulation/disk/virtual-disk.js';
import type { Promises } from '../promises.js';
import type { Record } from '../record.js';
import { SILENCE } from '../silence.js';
import { ended, turns } from '../turns.js';
import { mustHold } from '../violation.js';
import { SETTINGS, VICTIM } from './cluster.js';
import { DATA_DIR } from './node.js';
import type { ClusterScenario } from './scenario.js';

const SEED = 1_000;
/** In which a member that has begun applies what it knows to be committed. */
const TURNS = 20;

/** What a recovery is compared with. */
export interface KnownBefore {
  readonly scenario: ClusterScenario;
  readonly record: Record;
  readonly promises: Promises;
  readonly peers: Peers;
  /** What a member that joins is told of the others. */
  readonly told: Uint8Array | undefined;
}

/**
 * Starts the member where nobody hears it on what a crash has left, and checks that it remembers what it told others, and
 * has a state that the cluster had after one entry of its log; and that it is so once more after the power was cut again.
 *
 * @returns how many operations of the disk the start took
 * @throws {@link Violation}, or whatever the member failed with
 */
export async function recover(disk: VirtualDisk, known: KnownBefore): Promise<number> {
  const promises = known.promises.copy();
  const record = known.record.copy();
  const from = disk.operationCount;
  await begin(disk, { ...known, promises, record });
  const { operationCount } = disk;
  await begin(disk.afterPowerCut('nothing'), { ...known, promises, record });
  return operationCount - from;
}

/**
 * Starts the member on what a crash has left, and cuts the power again before that is done.
 *
 * @returns the disk, of which nothing has been decided that was not synced
 */
export async function crashAgain(disk: VirtualDisk, known: KnownBefore, at: number): Promise<VirtualDisk> {
  const from = disk.operationCount;
  disk.fault = ({ number }) => (number - from === at ? 'power cut' : undefined);
  await begin(disk, { ...known, promises: known.promises.copy(), record: known.record.copy() }).catch(() => undefined);
  return disk;
}

async function begin(disk: VirtualDisk, { scenario, record, promises, peers, told }: KnownBefore): Promise<void> {
  const stopping = new AbortController();
  let hasBegun = false;
  const assembled = (parts: Assembled) => {
    check(parts, promises, record);
    hasBegun = true;
  };
  const platform = {
    ...platformOnDisk(disk),
    startPeers: async () => SILENCE,
    queryMembers: async () => told ?? Promise.reject(new Error('nobody answers')),
    serve: () => Promise.reject(new Error('nobody listens to clients here')),
    assembled,
  };
  const options = {
    ...SETTINGS,
    ...scenario.settings,
    name: VICTIM,
    peers,
    ...scenario.restart,
    clock: new ManualClock(),
    prng: seededPrng(SEED),
    signal: stopping.signal,
  };
  let isSettled = false;
  const starting = startMemberOn(platform, { dataDir: DATA_DIR }, options).finally(() => (isSettled = true));
  starting.catch(() => undefined);
  await ended(
    someTurnsAfter(() => hasBegun || isSettled),
    'the start',
  );
  stopping.abort();
  const running = await ended(
    starting.catch((error: unknown) => {
      // One that finds in its state that it was removed says so.
      const isGone = scenario.staysMember === false && error instanceof MemberRemovedError;
      if (!hasBegun || !(isGone || hasCode(error, 'CLOSED'))) throw error;
    }),
    'the end of a start that was given up',
  );
  await running?.close();
}

async function someTurnsAfter(condition: () => boolean): Promise<void> {
  while (!condition()) await turns(1);
  await turns(TURNS);
}

function check({ identity, hardState, storedLog, state }: Assembled, promises: Promises, record: Record): void {
  const { identity: known } = promises;
  mustHold(
    known === undefined || known.memberId === identity.memberId,
    () => `the member is ${identity.memberId}, and was ${known?.memberId}`,
  );
  promises.check(hardState, storedLog);
  promises.found(hardState, storedLog);
  const last = record.agreesUpTo(storedLog, state.machine.appliedIndex);
  record.forgetAfter(last);
  record.stepThrough(state);
}
