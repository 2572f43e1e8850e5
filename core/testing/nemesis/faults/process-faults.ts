import { setTimeout as delay } from 'node:timers/promises';
import { between } from '../../../base/prng.js';
import type { MemberProcess } from '../../cluster/member-process.js';
import type { Fault, Strike } from './fault.js';

const STUTTER_MS_LEAST = 20;
const STUTTER_MS_MOST = 200;

/** What can happen to processes. */
export const PROCESS_FAULTS: readonly Fault[] = [
  { name: 'kill', group: 'process', strike: (strike) => kill(strike, [strike.victim]) },
  { name: 'kill-two', group: 'process', strike: (strike) => kill(strike, [strike.victim, strike.other]) },
  { name: 'kill-all', group: 'process', strike: (strike) => kill(strike, strike.cluster.members) },
  {
    name: 'kill-briefly',
    group: 'process',
    async strike({ cluster, victim }) {
      await cluster.kill(victim);
      await cluster.start(victim);
    },
  },
  {
    name: 'end',
    group: 'process',
    async strike({ cluster, victim, last }) {
      await cluster.end(victim);
      await last();
      await cluster.start(victim);
    },
  },
  { name: 'stop', group: 'process', strike: (strike) => stop(strike, [strike.victim]) },
  { name: 'stop-all', group: 'process', strike: (strike) => stop(strike, strike.cluster.members) },
  { name: 'stutter', group: 'process', strike: stutter },
];

/** Members that are replaced meanwhile are left to whoever replaces them. */
async function kill({ cluster, last }: Strike, members: readonly MemberProcess[]): Promise<void> {
  const victims = [...members];
  await Promise.all(victims.map((member) => cluster.kill(member)));
  await last();
  await Promise.all(victims.map((member) => cluster.start(member)));
}

async function stop({ last }: Strike, members: readonly MemberProcess[]): Promise<void> {
  const victims = [...members];
  for (const member of victims) member.pause();
  await last();
  for (const member of victims) member.resume();
}

/** As under a collector of garbage, or on a machine with too much to do. */
async function stutter({ victim, prng, last }: Strike): Promise<void> {
  let isOver = false;
  const ending = last().then(() => (isOver = true));
  while (!isOver) {
    victim.pause();
    await delay(between(prng, STUTTER_MS_LEAST, STUTTER_MS_MOST));
    victim.resume();
    await delay(between(prng, STUTTER_MS_LEAST, STUTTER_MS_MOST));
  }
  await ending;
}
