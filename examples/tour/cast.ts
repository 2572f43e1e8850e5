import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect, type Store } from 'conclave';
import { Actor } from './actors.js';

const WORKER_NAMES = ['ada', 'bob', 'cyd'] as const;
const START_MS = 10_000;

/** Everybody on stage: the process that holds the store, three workers, and the director's own connection. */
export class Cast {
  readonly #workers = new Map<string, Actor>();
  readonly #everyone: Actor[] = [];
  #host!: Actor;
  store!: Store;

  private constructor(
    readonly dataDir: string,
    private readonly port: number,
  ) {}

  static async assemble(dataDir: string): Promise<Cast> {
    const cast = new Cast(dataDir, await freePort());
    await cast.openStore();
    cast.store = await connect(cast.url);
    await Promise.all(WORKER_NAMES.map((name) => cast.#enter(name)));
    return cast;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get host(): Actor {
    return this.#host;
  }

  get workers(): Actor[] {
    return [...this.#workers.values()];
  }

  /** Starts the process that holds the store, for the first time or again; answers once it serves. */
  async openStore(): Promise<void> {
    this.#host = this.fork('store', './host.js', [join(this.dataDir, 'store'), String(this.port)]);
    await this.#host.hear('serving', START_MS);
  }

  /** A new worker takes the place of one that was killed. */
  async replace(worker: Actor): Promise<Actor> {
    return this.#enter(worker.name);
  }

  /** Ends every process. Those that do not leave by themselves are killed. */
  async dismiss(): Promise<void> {
    await this.store?.close();
    for (const actor of this.#everyone.reverse()) {
      actor.signal('SIGCONT');
      await actor.leave();
    }
  }

  async #enter(name: string): Promise<Actor> {
    const worker = this.fork(name, './worker.js', [name, this.url]);
    this.#workers.set(name, worker);
    await worker.hear('ready', START_MS);
    return worker;
  }

  /** Starts a process that plays along until the end, or until it is killed. */
  fork(name: string, program: string, args: readonly string[]): Actor {
    const actor = Actor.fork(name, program, args);
    this.#everyone.push(actor);
    return actor;
  }
}

/** A port of loopback that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
