import type { Cast } from '../cast.js';
import type { Stage } from '../stage.js';

const WRITERS = 16;
const WRITE_FOR_MS = 700;

/** The process that holds the store is killed while it writes, and opened again: what it acknowledged is there. */
export async function killedStore(stage: Stage, cast: Cast): Promise<void> {
  stage.say(`${WRITERS} writers put as fast as they can; then SIGKILL to the process that holds the store.`);
  const acknowledged = new Map<string, number>();
  let running = true;
  const write = async (writer: number) => {
    for (let n = 0; running; n += 1) {
      const key = `tour/durable/${writer}/${n}`;
      const answer = await cast.store.put(key, `${n}`).catch(() => undefined);
      if (!answer) return;
      acknowledged.set(key, answer.revision);
    }
  };
  const writers = Array.from({ length: WRITERS }, (_, writer) => write(writer));
  await new Promise((resolve) => setTimeout(resolve, WRITE_FOR_MS));
  await cast.host.kill();
  running = false;
  await Promise.all(writers);

  const openedAt = performance.now();
  await cast.openStore();
  const openMs = performance.now() - openedAt;
  const there = await Promise.all(
    [...acknowledged].map(async ([key, revision]) => (await cast.store.get(key))?.modRevision === revision),
  );
  const missing = there.filter((found) => !found).length;
  stage.check(
    'After SIGKILL of the store, nothing acknowledged is missing',
    missing === 0 && acknowledged.size > 0,
    `${acknowledged.size.toLocaleString('en')} acknowledged writes, ${missing} missing; serving again after ${openMs.toFixed(0)} ms`,
  );
}
