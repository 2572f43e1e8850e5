import { Dice } from '../../../raft/testing/dice.js';
import type { VirtualMember } from '../process/virtual-member.js';
import { drawDurationMs } from './durations.js';
import type { FaultKind, FaultKinds, Timed } from './fault.js';
import type { Ground } from './ground.js';
import type { LinkCondition } from './link-conditions.js';
import type { SeedOptions } from './seed-options.js';
import * as topologies from './topologies.js';
import type { Direction, Topology, Way } from './topologies.js';
import { chooseMember, chooseOne, drawPick, drawVictim, type Victim } from './victim.js';

/** What links do to what they carry, for a while: all links, or those of one member. */
interface Weather extends Timed {
  readonly on: 'all' | Victim;
  readonly amount: number;
  readonly forMs: number;
}

/** Links that carry nothing for a while. */
interface Cut extends Timed {
  readonly victim: Victim;
  readonly direction: Direction;
  /** Decides in which order the others are counted. */
  readonly order: number;
  /** What whoever sends there notices: nothing, or that the connection is gone. */
  readonly how: 'cut' | 'refuse' | 'halfOpen';
  readonly forMs: number;
}

/** Something between clients and members. */
interface ClientCut extends Timed {
  readonly client: number;
  readonly member: Victim;
  readonly forMs: number;
}

/** What happens to the network. */
export type NetworkFault =
  | (Weather & { readonly kind: 'loss' })
  | (Weather & { readonly kind: 'duplication' })
  | (Weather & { readonly kind: 'reordering' })
  | (Weather & { readonly kind: 'slow links' })
  | (Timed & { readonly kind: 'clog'; readonly victim: Victim; readonly other: number; readonly forMs: number })
  | (Timed & { readonly kind: 'swizzle clog'; readonly order: number; readonly forMs: number })
  | (Cut & { readonly kind: 'isolation' })
  | (Cut & { readonly kind: 'split' })
  | (Cut & { readonly kind: 'bridge' })
  | (Cut & { readonly kind: 'majority ring' })
  | (Cut & { readonly kind: 'one link cut' })
  | (Cut & { readonly kind: 'hanging on' })
  | (Cut & { readonly kind: 'star' })
  | (ClientCut & { readonly kind: 'lost replies' })
  | (ClientCut & { readonly kind: 'client cut off' })
  | (ClientCut & { readonly kind: 'client half open' })
  | (Timed & { readonly kind: 'member unreachable for clients'; readonly member: Victim; readonly forMs: number });

const LOSS_MOST = 0.3;
const DUPLICATION_MOST = 0.5;
const SLOW_MOST_MS = 150;

export const NETWORK_FAULTS: FaultKinds<NetworkFault> = {
  loss: weather(
    1,
    (dice) => dice.next() * LOSS_MOST,
    (loss) => ({ loss }),
  ),
  duplication: weather(
    1,
    (dice) => dice.next() * DUPLICATION_MOST,
    (duplicate) => ({ duplicate }),
  ),
  reordering: weather(
    1,
    (dice) => dice.between(1, SLOW_MOST_MS),
    (meanDelayMs) => ({ meanDelayMs, isFifo: false }),
  ),
  'slow links': weather(
    1,
    (dice) => dice.between(5, SLOW_MOST_MS),
    (minDelayMs) => ({ minDelayMs }),
  ),
  clog: {
    share: 0.5,
    weight: 2,
    draw: (dice) => ({ victim: drawVictim(dice), other: drawPick(dice), forMs: drawDurationMs(dice, 5_000) }),
    async strike(fault, ground) {
      const [victim, ...others] = inOrder(ground, fault.victim, fault.other);
      const other = chooseOne(others, fault.other);
      if (victim === undefined || other === undefined) return false;
      const clogUntilMs = ground.world.scheduler.now() + fault.forMs;
      return impose(ground, topologies.ways(victim, other, 'out'), { clogUntilMs }, fault.forMs);
    },
  },
  'swizzle clog': {
    share: 0.4,
    weight: 1,
    draw: (dice, { voterCount }) =>
      voterCount === 1 ? undefined : { order: drawPick(dice), forMs: drawDurationMs(dice, 5_000) },
    strike: swizzle,
  },
  isolation: cut(2, topologies.isolated, 3),
  split: cut(1, topologies.split, 3),
  bridge: cut(1, topologies.bridged, 3),
  'majority ring': cut(1, topologies.majorityRing, 5),
  'one link cut': cut(2, topologies.oneLink, 3),
  'hanging on': cut(1, topologies.hangingOn, 5),
  star: cut(1, topologies.star, 3),
  'lost replies': clientCut(2, ({ client, member }) => [{ from: member, to: client }], { loseReplies: true }),
  'client cut off': clientCut(1, bothWays, { mode: 'refuse' }),
  'client half open': clientCut(1, bothWays, { mode: 'halfOpen' }),
  'member unreachable for clients': {
    share: 0.4,
    weight: 1,
    draw: (dice) => ({ member: drawVictim(dice), forMs: drawDurationMs(dice, 10_000) }),
    async strike(fault, ground) {
      const member = chooseMember(ground.world, fault.member);
      if (member === undefined) return false;
      const cuts = ground.world.clients.flatMap((client) => topologies.ways(client, member, 'both'));
      return impose(ground, cuts, { mode: 'halfOpen' }, fault.forMs);
    },
  },
};

/** What befalls every message by chance. */
function weather(
  weight: number,
  drawAmount: (dice: Dice) => number,
  condition: (amount: number) => LinkCondition,
): FaultKind<Weather> {
  const draw = (dice: Dice, options: SeedOptions) => {
    if (options.voterCount === 1) return undefined;
    const on = dice.chance(0.5) ? ('all' as const) : drawVictim(dice);
    const forMs = dice.chance(0.3) ? options.safetyMs : dice.between(500, 8_000);
    return { on, amount: drawAmount(dice), forMs };
  };
  return {
    share: 0.5,
    weight,
    most: 3,
    draw,
    async strike(fault, ground) {
      const chosen = fault.on === 'all' ? undefined : chooseMember(ground.world, fault.on);
      const among = ground.world.members;
      const isMeant = ({ from, to }: Way) => chosen === undefined || from === chosen.name || to === chosen.name;
      const links = among.flatMap((one) =>
        among.filter((other) => other !== one).map((other) => ({ from: one.name, to: other.name })),
      );
      return impose(ground, links.filter(isMeant), condition(fault.amount), fault.forMs);
    },
  };
}

/** Links between members that carry nothing. */
function cut(weight: number, topology: Topology, membersLeast: number): FaultKind<Cut> {
  const draw = (dice: Dice, { voterCount }: SeedOptions) => {
    if (voterCount < membersLeast) return undefined;
    return {
      victim: drawVictim(dice),
      direction: dice.weighted([
        ['both', 3],
        ['out', 1],
        ['in', 1],
      ] as const),
      order: drawPick(dice),
      how: dice.anyOf(['cut', 'halfOpen', 'refuse'] as const),
      forMs: drawDurationMs(dice),
    };
  };
  return {
    share: 0.5,
    weight,
    draw,
    async strike(fault, ground) {
      const members = inOrder(ground, fault.victim, fault.order);
      return impose(ground, topology(members, fault.direction), { mode: fault.how }, fault.forMs);
    },
  };
}

interface ClientAndMember {
  readonly client: string;
  readonly member: string;
}

function bothWays({ client, member }: ClientAndMember): Way[] {
  return [
    { from: client, to: member },
    { from: member, to: client },
  ];
}

/** Something between one client and one member. */
function clientCut(
  weight: number,
  waysOf: (ends: ClientAndMember) => readonly Way[],
  condition: LinkCondition,
): FaultKind<ClientCut> {
  const draw = (dice: Dice) => ({
    client: drawPick(dice),
    member: drawVictim(dice),
    forMs: drawDurationMs(dice, 10_000),
  });
  return {
    share: 0.5,
    weight,
    draw,
    async strike(fault, ground) {
      const client = chooseOne(ground.world.clients, fault.client);
      const member = chooseMember(ground.world, fault.member);
      if (client === undefined || member === undefined) return false;
      const ends = { client: client.name, member: member.name };
      return impose(ground, waysOf(ends), condition, fault.forMs);
    },
  };
}

/** Clogs the members one after the other, and frees them in another order. */
async function swizzle(
  fault: Extract<NetworkFault, { readonly kind: 'swizzle clog' }>,
  ground: Ground,
): Promise<boolean> {
  const dice = new Dice(fault.order);
  const { members } = ground.world;
  const stepMs = fault.forMs / (2 * members.length);
  const clogUntilMs = ground.world.scheduler.now() + fault.forMs;
  const clogs: (() => boolean)[] = [];
  for (const victim of dice.shuffled(members)) {
    clogs.push(
      ground.links.impose(topologies.isolated([victim, ...members.filter((other) => other !== victim)], 'in'), {
        clogUntilMs,
      }),
    );
    await ground.last(stepMs);
  }
  let hadEffect = false;
  for (const lift of dice.shuffled(clogs)) {
    await ground.last(stepMs);
    hadEffect = lift() || hadEffect;
  }
  return hadEffect;
}

/** The members that take part, the victim first, the others in an order by chance. */
function inOrder({ world }: Ground, victim: Victim, order: number): readonly VirtualMember[] {
  const first = chooseMember(world, victim);
  const others = world.members.filter((member) => member !== first && member.state !== 'down');
  return first === undefined ? [] : [first, ...new Dice(order).shuffled(others)];
}

async function impose(
  ground: Ground,
  links: readonly Way[],
  condition: LinkCondition,
  forMs: number,
): Promise<boolean> {
  const lift = ground.links.impose(links, condition);
  await ground.last(forMs);
  return lift();
}
