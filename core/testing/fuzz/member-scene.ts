import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { hasCode } from '../../base/errors.js';
import { everything, prefix } from '../../base/key-range.js';
import type { Logger } from '../../base/logger.js';
import { connectGrpc } from '../../client/grpc-store.js';
import { type RunningMember, startMember } from '../../server/start-member.js';
import type { Store } from '../../store.js';
import { GatewayDoor } from './gateway-door.js';
import { GrpcDoor } from './grpc-door.js';
import { Guard } from './guard.js';
import { Finding } from './target.js';

/** After so many inputs everything is deleted, so that what is legitimately kept stays small. */
const TIDY_EVERY = 50;
/** How much larger the heap may be at the end than after the first tidying. */
const GROWTH_BYTES_MAX = 24 * 1024 * 1024;
/** And how many sockets, timers and others there may be more. */
const GROWTH_HANDLES_MAX = 50;
/** How often is looked what is in use. */
const LOOKS = 4;
/** And at the end, until nothing more is there than may be. */
const LAST_LOOKS = 20;
const LAST_LOOK_MS = 500;
/** Of scrypt: hashing is not what is tried here. */
const PASSWORD_COST = 4;

/** Who may call: with nothing, with a token that nobody gave, with one that has ended, and with one of few rights. */
export const CALLERS = ['nobody', 'forged', 'ended', 'few'] as const;
export type CallerName = (typeof CALLERS)[number];

/** A member that listens, somebody who sends it anything, and somebody who uses it. */
export class MemberScene {
  readonly grpc: GrpcDoor;
  readonly gateway: GatewayDoor;
  readonly address: { readonly host: string; readonly port: number };
  readonly #running: RunningMember;
  readonly #store: Store;
  readonly #guard: Guard | undefined;
  readonly #errors: string[];
  #count = 0;
  #baseline: Usage | undefined;

  private constructor(parts: SceneParts, store: Store, guard: Guard | undefined) {
    this.#running = parts.running;
    this.#store = store;
    this.#guard = guard;
    this.address = parts.address;
    this.grpc = new GrpcDoor(parts.address);
    this.gateway = new GatewayDoor(parts.address);
    this.#errors = parts.errors;
  }

  /** A member of which anybody may ask anything. */
  static async open(): Promise<MemberScene> {
    const parts = await start();
    return new MemberScene(parts, await connectGrpc([parts.address]), undefined);
  }

  /** One that asks who calls; nobody who calls here may do much. */
  static async openGuarded(): Promise<MemberScene> {
    const parts = await start();
    const guard = await Guard.over(parts.running.member);
    return new MemberScene(parts, await connectGrpc([parts.address], guard.root), guard);
  }

  /** What a call says of who makes it. */
  headersOf(caller: CallerName): Readonly<Record<string, string>> {
    const token = this.#guard?.tokens[caller];
    // The gateway has it as etcd's clients of HTTP send it, gRPC in either.
    return token === undefined ? {} : { token, authorization: token };
  }

  /** @throws {@link Finding} if the member is not as it was */
  async check(): Promise<void> {
    const [error] = this.#errors.splice(0);
    if (error !== undefined) throw new Finding(`the member reported an error: ${error}`);
    await (this.#guard === undefined ? this.#restore() : this.#guard.assertUntouched());
    const name = `check ${this.#count}`;
    const { revision } = await this.#store.put(name, name);
    const found = await this.#store.get(name);
    if (found?.modRevision !== revision) throw new Finding('what a client wrote is not what it reads');
    const { hashRevision } = await this.#running.member.hashKv(0);
    if (hashRevision < revision) throw new Finding('the hash of all keys is not of the present');
    this.#count += 1;
    if (this.#count % TIDY_EVERY === 0) await this.#tidy();
  }

  async close(): Promise<void> {
    await this.#tidy();
    const before = this.#baseline ?? (await usage());
    let growth = growthSince(before, await usage());
    // Of a body that is refused half-way the rest is read for some seconds, and both ends hold parts of it.
    for (let look = 0; growth !== undefined && look < LAST_LOOKS; look += 1) {
      await delay(LAST_LOOK_MS);
      growth = growthSince(before, await usage());
    }
    this.grpc.close();
    this.gateway.close();
    await this.#store.close();
    await this.#running.close();
    if (growth !== undefined) throw new Finding(growth);
  }

  /** Ends what may rightly have been begun, and would be in the way: an alarm, other members, authentication. */
  async #restore(): Promise<void> {
    const { member } = this.#running;
    if (member.auth.isEnabledHere) await member.auth.change({ type: 'disable' });
    for (const alarm of member.status().alarms) await member.alarm({ action: 'end', alarm });
    for (const { id } of await member.members({ linearizable: false })) {
      if (id !== member.memberId) await member.memberRemove(id);
    }
  }

  async #tidy(): Promise<void> {
    const { member } = this.#running;
    await this.#store.delete(this.#guard === undefined ? everything() : this.#guard.theirs);
    await this.#store.delete(prefix('check '));
    for (const id of await this.#store.leases()) {
      if (id !== this.#guard?.lease) await this.#store.lease(id).revoke().catch(unlessEnded);
    }
    if (this.#guard === undefined) await forgetUsers(member.auth);
    const { revision } = await this.#store.put('tidied', '');
    await this.#store.compact(revision);
    await this.#guard?.renewTokens();
    this.#baseline ??= await usage();
  }
}

interface SceneParts {
  readonly running: RunningMember;
  readonly address: { readonly host: string; readonly port: number };
  readonly errors: string[];
}

async function start(): Promise<SceneParts> {
  const errors: string[] = [];
  const logger: Logger = {
    debug() {},
    info() {},
    warn() {},
    error: (fields, text) => errors.push(textOf(fields, text)),
  };
  const options = { listen: 'http://127.0.0.1:0', authPasswordCost: PASSWORD_COST, logger };
  const running = await startMember({ memory: true }, options);
  const { hostname: host, port } = new URL(running.clientUrl as string);
  return { running, address: { host, port: Number(port) }, errors };
}

async function forgetUsers(auth: RunningMember['member']['auth']): Promise<void> {
  for (const name of await auth.users()) await auth.change({ type: 'userDelete', name });
  for (const role of await auth.roles()) await auth.change({ type: 'roleDelete', role });
}

/** A lease may have run out between the list and now. */
function unlessEnded(error: unknown): void {
  if (!hasCode(error, 'LEASE_NOT_FOUND')) throw error;
}

function textOf(fields: object, text: string): string {
  const { error, err = error } = fields as { error?: unknown; err?: unknown };
  return `${text}: ${err instanceof Error ? (err.stack ?? err.message) : JSON.stringify(fields)}`;
}

interface Usage {
  readonly heapBytes: number;
  readonly handleCount: number;
}

/** What is wrong with how much more is in use; undefined if nothing is. */
function growthSince(before: Usage, after: Usage): string | undefined {
  const heapBytes = after.heapBytes - before.heapBytes;
  const handles = after.handleCount - before.handleCount;
  if (heapBytes > GROWTH_BYTES_MAX) return `the member has grown by ${heapBytes} bytes`;
  if (handles > GROWTH_HANDLES_MAX) return `the member has ${handles} sockets and timers more`;
  return undefined;
}

/**
 * What is in use once nothing is left to be collected. Memory beside the heap is let go some turns after the object that it
 * belongs to, and what arrives last may still be under way: the least of some looks counts.
 */
async function usage(): Promise<Usage> {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const looks: Usage[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    collect();
    await new Promise(setImmediate);
    const { heapUsed, external } = process.memoryUsage();
    looks.push({ heapBytes: heapUsed + external, handleCount: process.getActiveResourcesInfo().length });
  }
  const least = (what: keyof Usage) => Math.min(...looks.map((look) => look[what]));
  return { heapBytes: least('heapBytes'), handleCount: least('handleCount') };
}
