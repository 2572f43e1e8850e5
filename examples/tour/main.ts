/**
 * `npm start`: Conclave at work between real processes, in under a minute. One process opens a durable store and serves
 * it on loopback, three workers import the recipes, and this one, the director, kills and stops them as it tells.
 * `npm start -- --keep FOLDER` keeps the data.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { Cast } from './cast.js';
import { barrierQueue } from './chapters/barrier-queue.js';
import { config } from './chapters/config.js';
import { contention } from './chapters/contention.js';
import { killedHolder } from './chapters/killed-holder.js';
import { killedLeader } from './chapters/killed-leader.js';
import { killedMember } from './chapters/killed-member.js';
import { killedStore } from './chapters/killed-store.js';
import { registry } from './chapters/registry.js';
import { stoppedHolder } from './chapters/stopped-holder.js';
import { Stage } from './stage.js';

const CHAPTERS: readonly (readonly [string, (stage: Stage, cast: Cast) => Promise<void>])[] = [
  ['A mutex under contention', contention],
  ['The holder is killed', killedHolder],
  ['The holder is stopped past its TTL', stoppedHolder],
  ['The leader is killed', killedLeader],
  ['The configuration changes', config],
  ['A worker dies, and the registry sees it', registry],
  ['A barrier queue gathers, opens and drains', barrierQueue],
  ['The store itself is killed', killedStore],
  ['Three members form a store, and the leading one is killed', killedMember],
];

const { values } = parseArgs({ options: { keep: { type: 'string' } } });
const dataDir = values.keep ? resolve(values.keep) : await mkdtemp(join(tmpdir(), 'conclave-tour-'));
const stage = new Stage(process.stdout, CHAPTERS.length);
let cast: Cast | undefined;
// Whoever interrupts the tour leaves nothing behind either.
process.once('SIGINT', () => void leave().finally(() => process.exit(130)));
process.once('SIGTERM', () => void leave().finally(() => process.exit(143)));
try {
  stage.say(
    'Conclave: locks, elections, queues, discovery and hot configuration. One store, three workers, real kills.',
  );
  cast = await Cast.assemble(dataDir);
  stage.say(
    `The store is in ${dataDir} and serves ${cast.url} (etcdctl works on it); the workers are ${cast.workers.map(({ name, pid }) => `${name} (${pid})`).join(', ')}.`,
  );
  for (const [title, play] of CHAPTERS) {
    stage.chapter(title);
    await play(stage, cast);
  }
  process.exitCode = stage.table() ? 0 : 1;
} catch (error) {
  stage.say(`The tour broke off: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exitCode = 1;
} finally {
  await leave();
}

async function leave(): Promise<void> {
  await cast?.dismiss();
  if (values.keep) stage.say(`The data is kept in ${dataDir}.`);
  else await rm(dataDir, { recursive: true, force: true });
}
