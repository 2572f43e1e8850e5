import type { Dice } from '../../../raft/testing/dice.js';
import type { ClientLimits } from '../../../client/settings.js';
import type { Settings } from '../../../server/settings.js';

/**
 * How far faults may go. `usual`: as far as every promise holds. `beyond clock`: clocks run apart further than leases
 * allow, so a lease may end early, but guarded writes stay safe. `beyond disk`: more data is damaged than a quorum can
 * repair, so the members must stop, and never serve what is wrong.
 */
export type Mode = 'usual' | 'beyond clock' | 'beyond disk';

/** What the links of a network are like when nothing is wrong with them. */
export interface NetworkShape {
  readonly minDelayMs: number;
  readonly meanDelayMs: number;
  /** Whether raft's messages go over connections, in order; otherwise each goes by itself, and may overtake others. */
  readonly isFifo: boolean;
}

/** What a world is like for as long as it lasts: drawn once from its seed. Plain data, so that it can be pinned. */
export interface SeedOptions {
  readonly mode: Mode;
  readonly voterCount: number;
  readonly learnerCount: number;
  readonly clientCount: number;
  readonly keyCount: number;
  readonly clientLimits: Partial<ClientLimits>;
  /** Simulated time for which faults strike. */
  readonly safetyMs: number;
  readonly settings: Partial<Settings>;
  /** What members are started with from a rolling restart on. */
  readonly otherSettings: Partial<Settings>;
  readonly network: NetworkShape;
  /** Whether learners get a vote when they have caught up. */
  readonly autoPromote: boolean;
  /** How much faster than true time clocks run, at most, as a part of 1; slower by as much at most. */
  readonly clockErrorMax: number;
}

/** A clock that keeps to this is within the contract of leases and sessions. */
export const CLOCK_ERROR_CONTRACT = 0.01;
const CLOCK_ERROR_BEYOND = 0.1;

const KIBIBYTE = 1_024;
const REQUEST_TIMEOUT_MS = 400;
/** From a client to the leader by way of another member, to a majority, and back; and room for a few that are slow. */
const REQUEST_DELAYS = 20;
/**
 * How many times the mean delay an election timeout is at least: of some ten thousand packets, one alone is late by more
 * than an election timeout.
 */
const DELAYS_IN_ELECTION = 50;
const IMPATIENT: Partial<ClientLimits> = {
  retriesMax: 1,
  retryTimeoutMs: 800,
  dialTimeoutMs: 500,
  connectTimeoutMs: 500,
  backoffMaxMs: 100,
};

/** @param dice - a stream for this alone */
export function drawSeedOptions(dice: Dice): SeedOptions {
  const mode = dice.weighted([
    ['usual', 88],
    ['beyond clock', 7],
    ['beyond disk', 5],
  ] as const);
  const timing = drawTiming(dice);
  const sizes = drawSizes(dice, mode);
  const isImpatient = dice.chance(0.5);
  const safetyMs = dice.between(30_000, 36_000);
  const settings = { ...timing, ...drawSettings(dice) };
  const otherSettings = { ...timing, ...drawSettings(dice) };
  const network = drawNetwork(dice, timing.electionTimeoutMs);
  const drawn = {
    mode,
    ...sizes,
    clientLimits: isImpatient ? impatient(network) : {},
    safetyMs,
    settings,
    otherSettings,
    network,
    autoPromote: dice.chance(0.7),
    clockErrorMax: mode === 'beyond clock' ? CLOCK_ERROR_BEYOND : dice.anyOf([0, 0.001, CLOCK_ERROR_CONTRACT]),
  };
  const watchSharersMax = dice.weighted([
    [1, 2],
    [2, 1],
    [100, 1],
  ]);
  const follows = dice.chance(0.3) ? { autoSyncIntervalMs: dice.between(500, 5_000) } : {};
  return { ...drawn, clientLimits: { ...drawn.clientLimits, watchSharersMax, ...follows } };
}

/** Of clients that give up soon, so that many an outcome stays unknown; not before a healthy network could have answered. */
function impatient({ meanDelayMs }: NetworkShape): Partial<ClientLimits> {
  return { ...IMPATIENT, requestTimeoutMs: Math.max(REQUEST_TIMEOUT_MS, Math.ceil(REQUEST_DELAYS * meanDelayMs)) };
}

function drawSizes(dice: Dice, mode: Mode) {
  const voterCount = dice.weighted([
    [1, 1],
    [3, 4],
    [5, 3],
    [7, 1],
  ]);
  return {
    // With one member there is no quorum that a damaged one could be compared with.
    voterCount: mode === 'beyond disk' ? Math.max(3, voterCount) : voterCount,
    learnerCount: dice.weighted([
      [0, 3],
      [1, 1],
    ]),
    clientCount: dice.between(1, 4),
    keyCount: dice.between(1, 16),
  };
}

/** Short enough that there are many elections in a run, long enough that heartbeats are not most of what happens. */
function drawTiming(dice: Dice) {
  const [heartbeatMs, electionTimeoutMs] = dice.weighted([
    [[50, 271], 1],
    [[101, 521], 3],
    [[200, 1_000], 4],
    [[250, 1_500], 2],
  ] as const);
  return { heartbeatMs, electionTimeoutMs };
}

/** Each limit is as it is in a product, or so small that it is met all the time. */
function drawSettings(dice: Dice): Partial<Settings> {
  const tiny = (least: number, most: number) => (dice.chance(0.5) ? dice.between(least, most) : undefined);
  return withoutGaps({
    requestTimeoutMs: dice.anyOf([500, 2_000, 5_000]),
    readRetryMs: dice.anyOf([100, 500]),
    healthyAfterMs: dice.anyOf([500, 2_000]),
    learnersMax: 2,
    promoteLagEntries: tiny(1, 20),
    snapshotsSentMax: tiny(1, 2),
    leaseRevokesPerScan: tiny(1, 4),
    leaseScanMs: tiny(100, 400),
    scrubRecordsPerStep: tiny(1, 20),
    proposalsMax: tiny(8, 64),
    readsMax: tiny(8, 64),
    uncommittedBytesMax: tiny(16 * KIBIBYTE, 64 * KIBIBYTE),
    logKeptEntries: tiny(3, 100),
    logKeptBytes: tiny(KIBIBYTE, 64 * KIBIBYTE),
    walSegmentBytes: tiny(KIBIBYTE, 64 * KIBIBYTE),
    overlayBytesMax: tiny(512, 16 * KIBIBYTE),
    watchQueueEventsMax: tiny(1, 16),
    watchCatchUpRevisionsMax: tiny(1, 16),
    appendBytesMax: tiny(64, 4 * KIBIBYTE),
    inflightMessagesMax: tiny(1, 8),
    inflightBytesMax: tiny(256, 16 * KIBIBYTE),
    peerQueueBytesMax: tiny(16 * KIBIBYTE, 64 * KIBIBYTE),
    snapshotBytesPerSecond: tiny(16 * KIBIBYTE, 256 * KIBIBYTE),
  });
}

function withoutGaps(settings: { readonly [Name in keyof Settings]?: number | undefined }): Partial<Settings> {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));
}

/**
 * A round trip stays well below the election timeout: a network on which nobody can lead shows nothing. One packet in a
 * hundred takes ten times as long and holds up what is behind it, so that it is the tail that counts.
 */
function drawNetwork(dice: Dice, electionTimeoutMs: number): NetworkShape {
  const mostMs = electionTimeoutMs / DELAYS_IN_ELECTION;
  const minDelayMs = dice.anyOf([0, 0.2, 1]);
  return {
    minDelayMs,
    meanDelayMs: minDelayMs + Math.min(mostMs, dice.anyOf([0.2, 1, 5, 20, 50])),
    isFifo: dice.chance(0.5),
  };
}
