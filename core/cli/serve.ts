import { once } from 'node:events';
import type { Logger } from '../base/logger.js';
import { startMember, type RunningMember } from '../server/start-member.js';
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

/**
 * Runs a member until it is told to end, or fails.
 *
 * @returns the exit code: 0 if it was told to end and everything is durable, 1 if it could not start or had to stop
 */
export async function serve(options: ServeOptions): Promise<number> {
  const logger = openLog(options.logLevel, options.name);
  let running: RunningMember;
  try {
    running = await start(options, logger);
  } catch (error) {
    logger.error({ error }, `cannot start: ${(error as Error).message}`);
    return 1;
  }
  process.stdout.write(`ready: serving etcd v3 clients at ${running.clientUrl}\n`);
  const failure = await endOf(running, logger);
  if (failure === undefined) return 0;
  logger.error({ error: failure }, failure.message);
  return 1;
}

function start(options: ServeOptions, logger: Logger): Promise<RunningMember> {
  const { dataDir, memory, listenClientUrls, maxRequestBytes } = options;
  return startMember(memory ? { memory } : { dataDir }, {
    listen: listenClientUrls.split(',').map((url) => url.trim()),
    logger,
    ...(maxRequestBytes !== undefined && { requestBytesMax: maxRequestBytes }),
  });
}

/** Resolves with what the member says when it has ended: by itself, or because the process was asked to end. */
async function endOf(running: RunningMember, logger: Logger): Promise<Error | undefined> {
  const listening = new AbortController();
  const asked = Promise.race(
    // A second signal finds nobody listening, and ends the process at once.
    ['SIGTERM', 'SIGINT'].map((name) => once(process, name, { signal: listening.signal }).then(() => name)),
  );
  // When the member fails first, nobody waits for a signal any more.
  asked.catch(() => undefined);
  const signal = await Promise.race([asked, running.member.stopped.then(() => undefined)]);
  listening.abort();
  if (signal !== undefined) logger.info({ signal }, 'ending: what is under way is carried out first');
  await running.close();
  return running.member.stopped;
}
