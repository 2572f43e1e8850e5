import { prefix } from 'conclave/core';
import { Actor } from '../actors.js';
import type { Cast } from '../cast.js';
import { SEGMENTS } from '../keys.js';
import type { Stage } from '../stage.js';

const COUNT = 24;
const KILL_AFTER = 8;
const WITHIN_MS = 15_000;

/** The elected index builder is killed half-way; its successor goes on from the last checkpoint. */
export async function killedLeader(stage: Stage, cast: Cast): Promise<void> {
  const candidates = cast.workers;
  for (const worker of candidates) worker.tell({ kind: 'lead', segments: COUNT });
  const [leader, first] = await Actor.firstToSay(candidates, 'leading', WITHIN_MS);
  stage.say(`${leader.name} is elected in term ${String(first['term'])} and builds an index of ${COUNT} segments.`);
  for (let built = 1; built <= KILL_AFTER; built += 1) {
    await leader.hear('segment', WITHIN_MS);
    stage.progress('segments built', built, COUNT);
  }

  stage.say(`SIGKILL to ${leader.name} after ${KILL_AFTER} segments.`);
  const killedAt = performance.now();
  await leader.kill();
  const [successor, second] = await Actor.firstToSay(
    candidates.filter((worker) => worker !== leader),
    'leading',
    WITHIN_MS,
  );
  const tookMs = performance.now() - killedAt;
  stage.say(
    `${successor.name} leads in term ${String(second['term'])}, ${(tookMs / 1_000).toFixed(1)} s later, from segment ${String(second['first'])} on.`,
  );
  for (let built = Number(second['first']) + 1; built <= COUNT; built += 1) {
    await successor.hear('segment', WITHIN_MS);
    stage.progress('segments built', built, COUNT);
  }
  await successor.hear('indexed', WITHIN_MS);

  const { kvs } = await cast.store.range(prefix(SEGMENTS));
  const segments = new Set(kvs.map((kv) => Buffer.from(kv.key).toString().slice(SEGMENTS.length).split('/')[0]));
  stage.check(
    'The successor went on from the last checkpoint',
    Number(second['term']) > Number(first['term']) && segments.size === COUNT && kvs.length === COUNT,
    `${segments.size} segments, none missing, ${kvs.length - segments.size} built twice`,
  );
  await cast.replace(leader);
}
