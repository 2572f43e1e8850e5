import { join } from 'node:path';
import type { Actor } from './actors.js';
import { type Cast, freePort } from './cast.js';

const NAMES = ['uma', 'vic', 'wes'] as const;
const PATIENCE_MS = 20_000;

/** How far a replica is: its acknowledged writes, the longest wait for one, and whether its member leads. */
export interface Progress {
  readonly count: number;
  readonly longestMs: number;
  readonly leads: boolean;
}

/** Three processes of one service, each with a member of their common store in it. */
export class Replicas {
  private constructor(
    private readonly cast: Cast,
    private readonly peers: Readonly<Record<string, string>>,
    readonly all: readonly Actor[],
  ) {}

  /** Starts them; answers once each of them serves. */
  static async assemble(cast: Cast): Promise<Replicas> {
    const peers: Record<string, string> = {};
    for (const name of NAMES) peers[name] = `http://127.0.0.1:${await freePort()}`;
    const all = NAMES.map((name) => fork(cast, name, peers));
    for (const replica of all) await replica.hear('found', PATIENCE_MS);
    return new Replicas(cast, peers, all);
  }

  /** The one whose member leads. */
  async leader(): Promise<Actor> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (performance.now() < giveUpAt) {
      for (const replica of this.all) if ((await progressOf(replica)).leads) return replica;
    }
    throw new Error('no replica leads');
  }

  /** Starts one that was killed again, on what is left in its folder; answers the count that it found there. */
  async restart(replica: Actor): Promise<number> {
    const { count } = await fork(this.cast, replica.name, this.peers).hear('found', PATIENCE_MS);
    return count as number;
  }
}

export async function progressOf(replica: Actor): Promise<Progress> {
  replica.tell({ kind: 'progress' });
  const { count, longestMs, leads } = await replica.hear('progress', PATIENCE_MS);
  return { count: count as number, longestMs: longestMs as number, leads: leads as boolean };
}

function fork(cast: Cast, name: string, peers: Readonly<Record<string, string>>): Actor {
  return cast.fork(name, './replica.js', [name, join(cast.dataDir, name), JSON.stringify(peers)]);
}
