import type { Link, LinkMode } from '../network/link.js';
import type { World } from '../world.js';
import type { Way } from './topologies.js';

/** What is wrong with a link. */
export interface LinkCondition {
  readonly mode?: Exclude<LinkMode, 'open'>;
  readonly loss?: number;
  readonly duplicate?: number;
  readonly isFifo?: false;
  readonly minDelayMs?: number;
  readonly meanDelayMs?: number;
  readonly loseReplies?: true;
  /** Until then everything is held back. */
  readonly clogUntilMs?: number;
}

/** A link, how it is when nothing is wrong with it, and what is. */
interface Afflicted {
  readonly link: Link;
  readonly usual: Required<Pick<LinkCondition, 'loss' | 'duplicate' | 'minDelayMs' | 'meanDelayMs'>> & {
    readonly isFifo: boolean;
  };
  readonly conditions: Set<LinkCondition>;
}

/** The worse comes first. */
const MODES = ['cut', 'halfOpen', 'refuse'] as const;

/** Several things can be wrong with a link at a time; when one of them ends, the others go on. */
export class LinkConditions {
  readonly #world: World;
  readonly #afflicted = new Map<Link, Afflicted>();

  constructor(world: World) {
    this.#world = world;
  }

  /** @returns ends it, and tells whether it had an effect on anything that was sent */
  impose(ways: readonly Way[], condition: LinkCondition): () => boolean {
    const links = ways.map(({ from, to }) => this.#afflict(this.#world.network.link(from, to)));
    const effectsBefore = this.#effectsOf(condition);
    for (const afflicted of links) {
      afflicted.conditions.add(condition);
      apply(afflicted, this.#world.scheduler.now());
    }
    return () => {
      const hadEffect = this.#effectsOf(condition) > effectsBefore;
      for (const afflicted of links) {
        afflicted.conditions.delete(condition);
        apply(afflicted, this.#world.scheduler.now());
      }
      return links.length > 0 && hadEffect;
    };
  }

  #afflict(link: Link): Afflicted {
    let afflicted = this.#afflicted.get(link);
    if (afflicted === undefined) {
      const { loss, duplicate, isFifo, minDelayMs, meanDelayMs } = link;
      afflicted = { link, usual: { loss, duplicate, isFifo, minDelayMs, meanDelayMs }, conditions: new Set() };
      this.#afflicted.set(link, afflicted);
    }
    return afflicted;
  }

  /** How often something of this kind was noticed. Of two that hold at the same time, neither can be told from the other. */
  #effectsOf(condition: LinkCondition): number {
    const { effects } = this.#world;
    return effectKinds(condition).reduce((sum, kind) => sum + effects.of(kind), 0);
  }
}

/** The names under which the network counts what came of a condition. */
function effectKinds(condition: LinkCondition): readonly string[] {
  const kinds: string[] = [];
  if (condition.mode !== undefined) kinds.push(condition.mode);
  if (condition.loss !== undefined) kinds.push('loss');
  if (condition.duplicate !== undefined) kinds.push('duplicate');
  if (condition.isFifo !== undefined) kinds.push('reorder');
  if (condition.loseReplies !== undefined) kinds.push('lost reply');
  if (condition.clogUntilMs !== undefined) kinds.push('clog');
  if (condition.minDelayMs !== undefined) kinds.push('delay');
  return kinds;
}

function apply({ link, usual, conditions }: Afflicted, nowMs: number): void {
  const all = [...conditions];
  const most = (name: 'loss' | 'duplicate' | 'minDelayMs' | 'meanDelayMs') =>
    Math.max(usual[name], ...all.map((condition) => condition[name] ?? 0));
  link.loss = most('loss');
  link.duplicate = most('duplicate');
  link.minDelayMs = most('minDelayMs');
  link.meanDelayMs = Math.max(link.minDelayMs, most('meanDelayMs'));
  link.isFifo = usual.isFifo && all.every(({ isFifo }) => isFifo !== false);
  link.loseReplies = all.some(({ loseReplies }) => loseReplies === true);
  link.mode = MODES.find((mode) => all.some((condition) => condition.mode === mode)) ?? 'open';
  const clogUntilMs = Math.max(0, ...all.map((condition) => condition.clogUntilMs ?? 0));
  if (clogUntilMs > nowMs || link.isClogged) link.clog(clogUntilMs);
}
