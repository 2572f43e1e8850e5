import type { Cast } from '../cast.js';
import { progressOf, Replicas } from '../replicas.js';
import type { Stage } from '../stage.js';

const WRITE_FOR_MS = 1_000;
const GO_ON_FOR_MS = 2_500;
const GAP_MAX_MS = 2_000;

/** Three replicas of a service form their own store; the one whose member leads is killed, and the others go on. */
export async function killedMember(stage: Stage, cast: Cast): Promise<void> {
  stage.say('Three replicas of a service embed one member each: their own store, with no server beside it. All write.');
  const replicas = await Replicas.assemble(cast);
  await pause(WRITE_FOR_MS);
  const leader = await replicas.leader();
  const { count: acknowledged } = await progressOf(leader);
  stage.say(`SIGKILL to ${leader.name} (${leader.pid}), which leads.`);
  await leader.kill();
  await pause(GO_ON_FOR_MS);

  const survivors = await Promise.all(replicas.all.filter((replica) => replica !== leader).map(progressOf));
  const longestMs = Math.max(...survivors.map((survivor) => survivor.longestMs));
  stage.check(
    'The leading member was killed; the others went on writing',
    longestMs < GAP_MAX_MS && survivors.some(({ leads }) => leads),
    `longest wait for an acknowledgement ${longestMs.toFixed(0)} ms`,
  );

  const found = await replicas.restart(leader);
  stage.check(
    'The killed member came back, and misses nothing acknowledged',
    found >= acknowledged && acknowledged > 0,
    `${acknowledged.toLocaleString('en')} writes were acknowledged, ${found.toLocaleString('en')} found`,
  );
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
