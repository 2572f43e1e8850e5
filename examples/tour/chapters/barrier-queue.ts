import type { Cast } from '../cast.js';
import { Shards, SHARDS_A_ROUND } from '../recipes.js';
import type { Stage } from '../stage.js';

const WITHIN_MS = 10_000;

/** Consumers wait at the barrier until the last shard of a round is there; then they drain it together. */
export async function barrierQueue(stage: Stage, cast: Cast): Promise<void> {
  for (const worker of cast.workers) worker.tell({ kind: 'consume' });
  await using shards = new Shards(cast.store);
  stage.say(`Three workers wait for ${SHARDS_A_ROUND} shards; the barrier opens when the last one is there.`);
  for (let number = 1; number < SHARDS_A_ROUND; number += 1) await shards.put({ number });
  const early = cast.workers.flatMap((worker) => worker.heard('built')).length;
  const { ready, state } = await shards.status();
  stage.check(
    'The barrier held back an unfinished round',
    early === 0 && state !== 'open',
    `${ready} of ${SHARDS_A_ROUND} shards, ${early} handed out`,
  );

  await shards.put({ number: SHARDS_A_ROUND });
  const built: number[] = [];
  const shares = new Map<string, number>();
  const giveUpAt = performance.now() + WITHIN_MS;
  while (built.length < SHARDS_A_ROUND && performance.now() < giveUpAt) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    for (const worker of cast.workers) {
      const heard = worker.heard('built');
      shares.set(worker.name, (shares.get(worker.name) ?? 0) + heard.length);
      built.push(...heard.map((message) => Number(message['shard'])));
    }
    stage.progress('shards built', built.length, SHARDS_A_ROUND);
  }
  stage.check(
    'The barrier opened and the round was drained, each shard once',
    built.length === SHARDS_A_ROUND && new Set(built).size === SHARDS_A_ROUND,
    [...shares].map(([name, count]) => `${name} ${count}`).join(', '),
  );
}
