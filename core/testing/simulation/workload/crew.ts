import { setMaxListeners } from 'node:events';
import { type Prng, seededPrng } from '../../../base/prng.js';
import type { Store } from '../../../store.js';
import type { VirtualMember } from '../process/virtual-member.js';
import type { Life, VirtualProcess } from '../process/virtual-process.js';
import type { World } from '../world.js';

/** One who works in a process, until all work ends. */
export interface Worker {
  /** What it does, for its name and for findings. */
  readonly kind: string;
  readonly work: (employed: Employed) => Promise<void>;
}

/** What a worker has of the process that it works in. */
export interface Employed {
  readonly name: string;
  readonly store: Store;
  readonly seed: number;
  readonly process: VirtualProcess;
  /** Aborts when work shall end. Nobody in a process that has ended hears of it. */
  readonly signal: AbortSignal;
  /** Whether the process goes on: it has not ended, and is not about to. */
  readonly isAlive: () => boolean;
}

interface Position {
  readonly name: string;
  readonly life: Life;
  isDone: boolean;
}

export interface CrewParts {
  readonly world: World;
  readonly process: VirtualProcess;
  /** What its workers are given; each life has a store of its own. `undefined`: it does not serve now. */
  readonly openStore: () => Store | undefined;
  readonly workers: readonly Worker[];
  /** The member whose own store this is, which ends with it and is not to be closed. */
  readonly member?: VirtualMember;
  /** A worker failed with what it should have dealt with. */
  readonly onFailure: (what: string) => void;
}

/** Those who work in one process. When it ends they are gone with it; when it runs again, others take their places. */
export class Crew {
  readonly #parts: CrewParts;
  #positions: readonly Position[] = [];
  #life: Life | undefined;
  #store: Store | undefined;
  #stop = new AbortController();
  #lifeCount = 0;

  constructor(parts: CrewParts) {
    this.#parts = parts;
  }

  /** Who still works: those of a process that has ended do not. */
  get atWork(): readonly string[] {
    return this.#positions.filter(({ isDone, life }) => !isDone && this.#goesOn(life)).map(({ name }) => name);
  }

  /** Lets go of the connections of the present life. */
  async close(): Promise<void> {
    if (this.#life === this.#parts.process.life && this.#parts.member === undefined) await this.#store?.close();
  }

  /** Ends the work of the present life. */
  stop(): void {
    const stop = this.#stop;
    if (this.#life !== undefined) this.#life.enter(() => stop.abort(new Error('the work is over')));
  }

  /** Has the work begun in a process that has begun to run since the last look. */
  look(): void {
    const { process, openStore } = this.#parts;
    const { life } = process;
    if (life === undefined || life === this.#life || process.isPaused) return;
    const store = openStore();
    if (store === undefined) return;
    this.#life = life;
    this.#store = store;
    this.#lifeCount += 1;
    this.#stop = new AbortController();
    // Everybody at work listens, and whatever they wait for does.
    setMaxListeners(0, this.#stop.signal);
    this.#positions = this.#parts.workers.map((worker, at) => this.#employ(worker, at, store, life));
  }

  #employ({ kind, work }: Worker, at: number, store: Store, life: Life): Position {
    const { process, world, onFailure } = this.#parts;
    const name = `${process.name}.${this.#lifeCount}.${kind}.${at}`;
    const position = { name, life, isDone: false };
    const seed = Math.floor(world.chance(`worker ${name}`).next() * 2 ** 32);
    const isAlive = () => this.#goesOn(life);
    const { signal } = this.#stop;
    work({ name, store, seed, process, signal, isAlive }).then(
      () => (position.isDone = true),
      (error: unknown) => {
        position.isDone = true;
        if (isAlive()) onFailure(`${name} failed: ${error instanceof Error ? (error.stack ?? '') : String(error)}`);
      },
    );
    return position;
  }

  #goesOn(life: Life): boolean {
    return life.isAlive && this.#parts.member?.isEnding !== true;
  }
}

/** Those who work in a member's own process, by its embedded store. */
export function embedded(member: VirtualMember, workers: readonly Worker[]): Omit<CrewParts, 'world' | 'onFailure'> {
  const openStore = () => (member.state === 'serving' && !member.isEnding ? member.store() : undefined);
  return { process: member, member, openStore, workers };
}

/** A stream of chance of a worker's own. */
export function prngOf(seed: number): Prng {
  return seededPrng(seed);
}
