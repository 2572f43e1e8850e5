import { once } from 'node:events';
import { hasCode } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { startMember, type RunningMember } from '../server/start-member.js';
import { variableWarnings } from './etcd-flags.js';
import { EXIT } from './exit-code.js';
import { type Level, openLog } from './log.js';
import { FALLBACKS, type ServeFlags } from './serve-flags.js';
import { inFlagWords, toStart } from './serve-options.js';

/** What the command meets in the world; a test puts something else in its place. */
export interface ServeSurroundings {
  readonly start: typeof startMember;
  readonly openLog: (level: Level, name: string) => Logger;
  /** Tells whoever started it. */
  readonly say: (line: string) => void;
  readonly env: Readonly<Record<string, string | undefined>>;
}

const REAL: ServeSurroundings = {
  start: startMember,
  openLog,
  say: (line) => void process.stdout.write(`${line}\n`),
  env: process.env,
};

/**
 * Runs a member until it is told to end, or fails.
 *
 * @returns the exit code, see {@link EXIT}; 0 means that everything acknowledged is durable
 */
export async function serve(flags: ServeFlags, surroundings: ServeSurroundings = REAL): Promise<number> {
  const name = flags.name ?? FALLBACKS.name;
  const logger = surroundings.openLog(flags['log-level'] ?? 'info', name);
  for (const warning of variableWarnings(surroundings.env)) logger.warn({}, warning);
  let running: RunningMember;
  try {
    const { where, options } = toStart(flags);
    running = await surroundings.start(where, { ...options, logger });
  } catch (thrown) {
    const error = inFlagWords(thrown);
    logger.error({ error }, `cannot start: ${(error as Error).message}`);
    return hasCode(error, 'INVALID_ARGUMENT') ? EXIT.usage : EXIT.failed;
  }
  surroundings.say(`ready: serving etcd v3 clients at ${running.clientUrl}`);
  const unsubscribe = onceLed(running.member, () => tellReady(logger, name, running));
  const failure = await endOf(running, logger);
  unsubscribe();
  if (failure === undefined) return EXIT.ok;
  logger.error({ error: failure }, failure.message);
  return EXIT.failed;
}

/** Calls back once the member knows a leader, now or later. @returns ends the waiting */
function onceLed(member: RunningMember['member'], callback: () => void): () => void {
  if (member.leader !== undefined) {
    callback();
    return () => {};
  }
  const unsubscribe = member.onLeadership((hasLeader) => {
    if (!hasLeader) return;
    unsubscribe();
    callback();
  });
  return unsubscribe;
}

/**
 * The texts for which scripts around etcd wait in its log: those of 3.4 for the first two, those of 3.5 and later for the
 * last.
 */
function tellReady(logger: Logger, name: string, { clientUrl, member }: RunningMember): void {
  const cluster = member.clusterId.toString(16);
  logger.info({}, `published {Name:${name} ClientURLs:[${clientUrl}]} to cluster ${cluster}`);
  logger.info({}, 'enabled capabilities for version 3.5');
  logger.info({ clientUrl }, 'ready to serve client requests');
}

/**
 * Resolves when the member has ended: with its reason if it failed, with nothing if the process was asked to end. A
 * member that failed lets go of everything by itself, and is not waited for: what failed may be a disk that hangs.
 */
async function endOf(running: RunningMember, logger: Logger): Promise<Error | undefined> {
  const listening = new AbortController();
  const asked = Promise.race(
    // A second signal finds nobody listening, and ends the process at once.
    ['SIGTERM', 'SIGINT'].map((name) => once(process, name, { signal: listening.signal }).then(() => name)),
  );
  // When the member fails first, nobody waits for a signal any more.
  asked.catch(() => undefined);
  const signal = await Promise.race([asked, running.member.stopped]);
  listening.abort();
  if (typeof signal !== 'string') return signal;
  logger.info({ signal }, 'ending: what is under way is carried out first');
  await running.close();
  return running.member.stopped;
}
