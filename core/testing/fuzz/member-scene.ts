import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { everything } from '../../base/key-range.js';
import type { Logger } from '../../base/logger.js';
import { connectGrpc } from '../../client/grpc-store.js';
import { RawClient } from '../../rpc/testing/raw-client.js';
import { type RunningMember, startMember } from '../../server/start-member.js';
import type { Store } from '../../store.js';
import { Finding } from './target.js';

/** After so many inputs everything is deleted, so that what is legitimately kept stays small. */
const TIDY_EVERY = 50;
/** How much larger the heap may be at the end than after the first tidying. */
const GROWTH_BYTES_MAX = 24 * 1024 * 1024;

/** A member that listens, somebody who sends it anything, and somebody who uses it. */
export class MemberScene {
  readonly raw: RawClient;
  readonly address: { readonly host: string; readonly port: number };
  readonly #running: RunningMember;
  readonly #store: Store;
  readonly #errors: string[];
  #count = 0;
  #baselineBytes: number | undefined;

  private constructor(running: RunningMember, store: Store, address: MemberScene['address'], errors: string[]) {
    this.#running = running;
    this.#store = store;
    this.address = address;
    this.raw = new RawClient(address);
    this.#errors = errors;
  }

  static async open(): Promise<MemberScene> {
    const errors: string[] = [];
    const logger: Logger = {
      debug() {},
      info() {},
      warn() {},
      error: (fields, text) => errors.push(textOf(fields, text)),
    };
    const running = await startMember({ memory: true }, { listen: 'http://127.0.0.1:0', logger });
    const { hostname: host, port } = new URL(running.clientUrl as string);
    const address = { host, port: Number(port) };
    return new MemberScene(running, await connectGrpc([address]), address, errors);
  }

  /** @throws {@link Finding} if the member is not as it was */
  async check(): Promise<void> {
    const [error] = this.#errors.splice(0);
    if (error !== undefined) throw new Finding(`the member reported an error: ${error}`);
    const name = `check ${this.#count}`;
    const { revision } = await this.#store.put(name, name);
    const found = await this.#store.get(name);
    if (found?.modRevision !== revision) throw new Finding('what a client wrote is not what it reads');
    this.#count += 1;
    if (this.#count % TIDY_EVERY === 0) await this.#tidy();
  }

  async close(): Promise<void> {
    await this.#tidy();
    const growth = heapBytes() - (this.#baselineBytes ?? heapBytes());
    this.raw.close();
    await this.#store.close();
    await this.#running.close();
    if (growth > GROWTH_BYTES_MAX) throw new Finding(`the member has grown by ${growth} bytes`);
  }

  async #tidy(): Promise<void> {
    await this.#store.delete(everything());
    for (const id of await this.#store.leases()) await this.#store.lease(id).revoke();
    const { revision } = await this.#store.put('tidied', '');
    await this.#store.compact(revision);
    this.#baselineBytes ??= heapBytes();
  }
}

function textOf(fields: object, text: string): string {
  const { error, err = error } = fields as { error?: unknown; err?: unknown };
  return `${text}: ${err instanceof Error ? (err.stack ?? err.message) : JSON.stringify(fields)}`;
}

/** What is in use once nothing is left to be collected. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
