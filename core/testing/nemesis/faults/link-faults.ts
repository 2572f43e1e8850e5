import { setTimeout as delay } from 'node:timers/promises';
import { between, type Prng } from '../../../base/prng.js';
import type { MemberProcess } from '../../cluster/member-process.js';
import type { Fault, Strike } from './fault.js';

const DELAY_MS_LEAST = 5;
const DELAY_MS_MOST = 150;
const BYTES_PER_SECOND_LEAST = 20_000;
const BYTES_PER_SECOND_MOST = 400_000;
const RESET_EVERY_MS = 150;

/** What can happen to the ways between members. One at a time: healing heals all of them. */
export const LINK_FAULTS: readonly Fault[] = [
  links('cut-off', ({ cluster, victim }) => cluster.isolate(victim)),
  links('cut-apart', ({ cluster, prng }) => {
    const [some, rest] = split(cluster.members, prng);
    for (const one of some) for (const other of rest) cluster.cut(one, other);
  }),
  links('cut-outgoing', ({ cluster, victim }) => {
    for (const other of cluster.others(victim)) cluster.cutOneWay(victim, other);
  }),
  links('cut-incoming', ({ cluster, victim }) => {
    for (const other of cluster.others(victim)) cluster.cutOneWay(other, victim);
  }),
  links('cut-one-link', ({ cluster, victim, other }) => cluster.cut(victim, other)),
  links('cut-one-link-one-way', ({ cluster, victim, other }) => cluster.cutOneWay(victim, other)),
  links('refuse', ({ cluster, victim, other }) => cluster.refuse(victim, other)),
  links('half-open', ({ cluster, victim }) => {
    for (const other of cluster.others(victim)) cluster.halfOpen(victim, other);
  }),
  links('slow-link', ({ cluster, victim, prng }) => {
    const delayMs = between(prng, DELAY_MS_LEAST, DELAY_MS_MOST);
    for (const other of cluster.others(victim)) cluster.slow(victim, other, delayMs);
  }),
  links('narrow-link', ({ cluster, victim, prng }) => {
    const bytesPerSecond = between(prng, BYTES_PER_SECOND_LEAST, BYTES_PER_SECOND_MOST);
    for (const other of cluster.others(victim)) cluster.narrow(victim, other, bytesPerSecond);
  }),
  {
    name: 'reset',
    group: 'surroundings',
    async strike({ cluster, victim, last }) {
      let isOver = false;
      const ending = last().then(() => (isOver = true));
      while (!isOver) {
        for (const other of cluster.others(victim)) cluster.reset(victim, other);
        await delay(RESET_EVERY_MS);
      }
      await ending;
    },
  },
];

function links(name: string, cut: (strike: Strike) => void): Fault {
  return {
    name,
    group: 'surroundings',
    async strike(strike) {
      cut(strike);
      await strike.last();
      strike.cluster.heal();
    },
  };
}

/** Two groups, neither of them empty. */
function split(members: readonly MemberProcess[], prng: Prng): [MemberProcess[], MemberProcess[]] {
  const shuffled = [...members];
  for (let at = shuffled.length - 1; at > 0; at -= 1) {
    const from = between(prng, 0, at);
    [shuffled[at], shuffled[from]] = [shuffled[from] as MemberProcess, shuffled[at] as MemberProcess];
  }
  const count = between(prng, 1, shuffled.length - 1);
  return [shuffled.slice(0, count), shuffled.slice(count)];
}
