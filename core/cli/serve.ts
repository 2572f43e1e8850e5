import { once } from 'node:events';
import { hasCode } from '../base/errors.js';
import type { Logger } from '../base/logger.js';
import { startMember, type RunningMember } from '../server/start-member.js';
import { EXIT } from './exit-code.js';
import { type Level, openLog } from './log.js';

export interface ServeOptions {
  readonly name: string;
  readonly dataDir: string;
  readonly memory?: boolean;
  /** Separated by commas. */
  readonly listenClientUrls: string;
  readonly maxRequestBytes?: number;
  readonly logLevel: Level;
}

/** What the command meets in the world; a test puts something else in its place. */
export interface ServeSurroundings {
  readonly start: typeof startMember;
  readonly openLog: (level: Level, name: string) => Logger;
  /** Tells whoever started it. */
  readonly say: (line: string) => void;
}

const REAL: ServeSurroundings = {
  start: startMember,
  openLog,
  say: (line) => void process.stdout.write(`${line}\n`),
};

/**
 * Runs a member until it is told to end, or fails.
 *
 * @returns the exit code, see {@link EXIT}; 0 means that everything acknowledged is durable
 */
export async function serve(options: ServeOptions, { start, openLog, say }: ServeSurroundings = REAL): Promise<number> {
  const logger = openLog(options.logLevel, options.name);
  let running: RunningMember;
  try {
    running = await start(options.memory ? { memory: true } : { dataDir: options.dataDir }, {
      listen: options.listenClientUrls.split(',').map((url) => url.trim()),
      logger,
      ...(options.maxRequestBytes !== undefined && { requestBytesMax: options.maxRequestBytes }),
    });
  } catch (error) {
    logger.error({ error }, `cannot start: ${(error as Error).message}`);
    return hasCode(error, 'INVALID_ARGUMENT') ? EXIT.usage : EXIT.failed;
  }
  say(`ready: serving etcd v3 clients at ${running.clientUrl}`);
  const failure = await endOf(running, logger);
  if (failure === undefined) return EXIT.ok;
  logger.error({ error: failure }, failure.message);
  return EXIT.failed;
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
