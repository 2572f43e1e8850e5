import { InvalidArgumentError } from '../../core/base/errors.js';
import type { Prng } from '../../core/base/prng.js';
import type { ServiceInstance } from './instance.js';

/** An instance that may be picked, with what this process knows of it. */
export interface Candidate<M = unknown> {
  readonly instance: ServiceInstance<M>;
  /** Picks of this process that have not ended. */
  readonly inFlight: number;
}

export interface PickContext {
  readonly key?: string;
  readonly prng: Prng;
}

/** Chooses one of the candidates. There is at least one; they are in order of their ids; all weights are 0, or none is. */
export type Choose = <C extends Candidate>(candidates: readonly C[], context: PickContext) => C;

/** How a view picks among its instances. Each view begins its own, so that what one remembers is its own. */
export interface Strategy {
  readonly name: string;
  begin(): Choose;
}

/** Each in turn, in order of their ids. An instance that comes or goes disturbs nobody else's turn. */
export function roundRobin(): Strategy {
  return {
    name: 'roundRobin',
    begin() {
      let lastId = '';
      return (candidates) => {
        const next = candidates.find(({ instance }) => instance.id > lastId) ?? first(candidates);
        lastId = next.instance.id;
        return next;
      };
    },
  };
}

/** Any of them, with equal chances. */
export function random(): Strategy {
  return {
    name: 'random',
    begin:
      () =>
      (candidates, { prng }) =>
        anyOf(candidates, prng),
  };
}

/** By chance, in proportion to their weights. */
export function weighted(): Strategy {
  return {
    name: 'weighted',
    begin:
      () =>
      (candidates, { prng }) => {
        const total = candidates.reduce((sum, { instance }) => sum + instance.weight, 0);
        if (total === 0) return anyOf(candidates, prng);
        let rest = prng.next() * total;
        return candidates.find(({ instance }) => (rest -= instance.weight) < 0) ?? heaviest(candidates);
      },
  };
}

/**
 * The less loaded of two drawn by chance: this process's picks in progress plus the load that the instance reports, in
 * proportion to its weight. Almost as even as the least loaded of all, and callers that decide at one moment do not all
 * run to the same instance.
 *
 * @remarks Source: Mitzenmacher 2001, "The power of two choices in randomized load balancing".
 */
export function leastLoaded(): Strategy {
  return {
    name: 'leastLoaded',
    begin:
      () =>
      (candidates, { prng }) => {
        const one = Math.floor(prng.next() * candidates.length);
        const step = 1 + Math.floor(prng.next() * (candidates.length - 1));
        const a = candidates[one] ?? first(candidates);
        const b = candidates[(one + step) % candidates.length] ?? a;
        return relativeLoad(b) < relativeLoad(a) ? b : a;
      },
  };
}

/**
 * The same instance for the same key as long as it is there. When an instance goes, only its keys move; when one comes, it
 * takes its share (by weight) evenly from the others.
 *
 * @remarks Source: Thaler and Ravishankar 1998, rendezvous hashing; weights by the logarithmic method.
 */
export function sticky(): Strategy {
  return {
    name: 'sticky',
    begin:
      () =>
      (candidates, { key }) => {
        if (key === undefined) {
          throw new InvalidArgumentError('key', key, 'given to pick(), because the strategy sticky() chooses by it');
        }
        const scores = candidates.map(({ instance }) => score(key, instance));
        return candidates[scores.indexOf(Math.max(...scores))] ?? first(candidates);
      },
  };
}

function relativeLoad({ instance, inFlight }: Candidate): number {
  return (inFlight + instance.load + 1) / (instance.weight || 1);
}

/** `-weight / ln(h)` for a hash h between 0 and 1, both excluded: of all instances the highest wins. */
function score(key: string, { id, weight }: ServiceInstance<unknown>): number {
  const uniform = (hash32(`${key}\0${id}`) + 0.5) / 2 ** 32;
  return -(weight || 1) / Math.log(uniform);
}

/**
 * A hash whose bits all depend on all of the text.
 *
 * @remarks Source: FNV-1a, then the finalizer of MurmurHash3.
 */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function anyOf<C>(candidates: readonly C[], prng: Prng): C {
  return candidates[Math.floor(prng.next() * candidates.length)] ?? first(candidates);
}

function heaviest<C extends Candidate>(candidates: readonly C[]): C {
  return candidates.reduce((a, b) => (b.instance.weight > a.instance.weight ? b : a));
}

function first<C>(candidates: readonly C[]): C {
  return candidates[0] as C;
}
