import { sleep } from '../../core/base/clock.js';
import { ClosedError, hasCode } from '../../core/base/errors.js';
import type { KeyValue } from '../../core/base/key-value.js';
import type { Prng } from '../../core/base/prng.js';
import type { Duration } from '../../core/base/duration.js';
import type { Store } from '../../core/store.js';
import { get, modRevision, put } from '../../core/txn.js';
import type { RangeResult } from '../../core/base/operation.js';
import { ForeignReport } from '../foreign.js';
import { newAcquisitionId } from '../keys.js';
import { by } from '../metadata.js';
import { Backoff } from '../mirror/backoff.js';
import { Mirror } from '../mirror/mirror.js';
import { isTransient } from '../retry.js';
import { SessionKeeper } from '../session/session-keeper.js';
import type { Session } from '../session/session.js';
import { abortable, bounded, onAbort, type WaitOptions } from '../wait.js';
import type { Registration, RegistrationState, ConflictPolicy } from './registration.js';
import { InstanceExistsError, InstanceReplacedError } from './errors.js';
import {
  checkInstance,
  decodeInstance,
  encodeInstance,
  type Instance,
  instanceKey,
  type InstanceRecord,
  type InstanceUpdate,
} from './instance.js';

/** For registries: what all their registrations share. */
export interface RegistrationSettings {
  readonly namespace: string | undefined;
  readonly ttl: Duration | undefined;
  readonly prng: Prng;
}

/** After a lost session everybody comes back at once; spread over so long, the store bears it. */
const REJOIN_SPREAD_MS = 2_000;
const RETRY_LEAST_MS = 500;
const RETRY_MOST_MS = 30_000;

interface Version<M> {
  readonly version: number;
  readonly instance: Instance<M>;
}

interface Written<M> extends Version<M> {
  readonly session: Session;
  readonly modRevision: number;
}

interface Waiter {
  readonly version: number;
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

/**
 * One loop brings the store to what is wanted, whatever happened: an update, a lost session, a record that vanished. It
 * does one thing at a time and looks at what is wanted each time anew, so old data cannot overtake new, and nothing can be
 * written after the end. Each registration has a session of its own: unregistering revokes its lease, after which even a
 * write that is still on its way is refused by the store.
 */
export class LiveRegistration<M> implements Registration<M> {
  readonly service: string;
  readonly id: string;
  readonly #store: Store;
  readonly #key: string;
  readonly #registrationId: string;
  readonly #what: string;
  readonly #policy: ConflictPolicy;
  readonly #prng: Prng;
  readonly #keeper: SessionKeeper;
  readonly #ownKey: Mirror<InstanceRecord<M>>;
  readonly #foreign: ForeignReport;
  readonly #backoff: Backoff;
  readonly #ended = new AbortController();
  readonly #waiters = new Set<Waiter>();
  #wanted: Version<M>;
  #written: Written<M> | undefined;
  #vanishedAtRevision = 0;
  #session: Session | undefined;
  /** The one before. Its lease may still be in the store, and our key with it. */
  #lostSession: Session | undefined;
  #wake: () => void = () => {};
  #closing: Promise<void> | undefined;
  readonly #running: Promise<void>;

  /**
   * Begins to register.
   *
   * @throws {@link InvalidArgumentError} naming the field that is wrong
   */
  constructor(store: Store, instance: Instance<M>, settings: RegistrationSettings, policy: ConflictPolicy = 'replace') {
    checkInstance(instance);
    encodeInstance(instance, '', by(store));
    this.service = instance.service;
    this.#registrationId = newAcquisitionId(store.prng);
    this.id = instance.id ?? newAcquisitionId(store.prng);
    this.#store = store;
    this.#key = instanceKey(settings.namespace, 'svc', this.service, this.id);
    this.#what = `instance ${this.id} of service ${this.service}`;
    this.#foreign = new ForeignReport(store.logger, this.#what);
    this.#policy = policy;
    this.#prng = settings.prng;
    this.#keeper = new SessionKeeper(store, this.#what, settings.ttl === undefined ? {} : { ttl: settings.ttl });
    this.#ownKey = new Mirror(store, { target: this.#key, decode: decodeInstance<M>, prng: settings.prng });
    this.#backoff = new Backoff({ leastMs: RETRY_LEAST_MS, mostMs: RETRY_MOST_MS, prng: settings.prng });
    this.#wanted = { version: 1, instance: { ...instance, id: this.id } };
    this.#running = this.#run();
  }

  /**
   * Waits until the store has it.
   *
   * @throws {@link InstanceExistsError}; what the store refuses it with; {@link TimeoutError}, or the signal's reason
   */
  async ready(options: WaitOptions): Promise<void> {
    await bounded(this.#store.clock, `registering ${this.#what}`, options, (signal) =>
      abortable(this.#untilWritten(1), signal),
    );
  }

  get instance(): Instance<M> {
    return this.#wanted.instance;
  }

  get state(): RegistrationState {
    if (this.#ended.signal.aborted) return 'ended';
    return this.#isRegistered() ? 'registered' : 'rejoining';
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  async update(change: InstanceUpdate<M>, options: WaitOptions = {}): Promise<void> {
    this.#ended.signal.throwIfAborted();
    const instance = { ...this.#wanted.instance, ...change, service: this.service, id: this.id };
    checkInstance(instance);
    encodeInstance(instance, this.#registrationId, by(this.#store));
    const version = this.#wanted.version + 1;
    this.#wanted = { version, instance };
    this.#wake();
    await bounded(this.#store.clock, `updating ${this.#what}`, options, (signal) =>
      abortable(this.#untilWritten(version), signal),
    );
  }

  async unregister(): Promise<void> {
    this.#end(new ClosedError(`the registration of ${this.#what}`));
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.unregister();
  }

  // --- The loop ---------------------------------------------------------------------------------------------------------

  async #run(): Promise<void> {
    while (!this.#ended.signal.aborted) {
      try {
        await this.#step();
        this.#backoff.reset();
      } catch (error) {
        if (!this.#ended.signal.aborted) await this.#failed(error);
      }
    }
  }

  async #step(): Promise<void> {
    const session = await this.#joinSession();
    if (!this.#isUpToDate(session)) await this.#write(session);
    await this.#untilSomethingToDo(session);
  }

  async #joinSession(): Promise<Session> {
    if (this.#session?.signal.aborted) {
      this.#lostSession = this.#session;
      this.#session = undefined;
      await sleep(this.#store.clock, this.#prng.next() * REJOIN_SPREAD_MS, this.#ended.signal);
    }
    this.#session ??= await this.#keeper.current(this.#ended.signal);
    return this.#session;
  }

  /** Puts the record under the session, whoever wrote there before: ourselves, or one who may be replaced. */
  async #write(session: Session): Promise<void> {
    const wanted = this.#wanted;
    const record = encodeInstance(wanted.instance, this.#registrationId, by(this.#store));
    for (let expected = this.#written?.modRevision ?? 0; ;) {
      const answer = await this.#store
        .txn()
        .when(modRevision(this.#key).equals(expected))
        .do(put(this.#key, record, { lease: session.lease }))
        .otherwise(get(this.#key))
        .commit({ signal: session.signal });
      if (answer.succeeded) return this.#wrote({ ...wanted, session, modRevision: answer.revision });
      const existing = (answer.responses[0] as RangeResult).kvs[0];
      if (existing) this.#assertMayReplace(existing);
      expected = existing?.modRevision ?? 0;
    }
  }

  #assertMayReplace(existing: KeyValue): void {
    const other = decodeInstance(existing);
    // What is no instance keeps nobody from being registered.
    if (other === undefined) return this.#foreign.found(this.#key);
    if (other.registrationId === this.#registrationId) return;
    if (this.#written) throw new InstanceReplacedError(this.service, this.id, other.owner);
    if (this.#policy === 'reject') throw new InstanceExistsError(this.service, this.id, other.owner);
  }

  #wrote(written: Written<M>): void {
    if (!this.#written) this.#watchOwnKey();
    this.#written = written;
    for (const waiter of this.#waiters) if (waiter.version <= written.version) waiter.resolve();
  }

  /** Resolves at once if something happened since the loop last looked: both are one step of the event loop. */
  async #untilSomethingToDo(session: Session): Promise<void> {
    if (!this.#isUpToDate(session) || session.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const off = onAbort(session.signal, () => this.#wake());
      this.#wake = () => {
        off();
        resolve();
      };
    });
  }

  async #failed(error: unknown): Promise<void> {
    if (hasCode(error, 'LEASE_NOT_FOUND')) this.#session?.reportGone(error);
    if (this.#session?.signal.aborted) return; // The next step opens another.
    const isHopeless =
      hasCode(error, 'INSTANCE_REPLACED') || hasCode(error, 'CLOSED') || hasCode(error, 'MEMBER_STOPPED');
    if (isHopeless || (!this.#written && !isTransient(error))) return this.#end(error);
    if (!isTransient(error)) this.#takeBack(error);
    this.#store.logger.warn(
      { instance: this.id, service: this.service, err: error },
      'registering failed; trying again',
    );
    await sleep(this.#store.clock, this.#backoff.nextMs(), this.#ended.signal).catch(() => undefined);
  }

  /** An update that the store refuses must not keep what it accepted before from being registered anew. */
  #takeBack(error: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(error as Error);
    if (this.#written) this.#wanted = this.#written;
  }

  // --- What is so -------------------------------------------------------------------------------------------------------

  #isUpToDate(session: Session): boolean {
    return this.#isRegistered() && this.#written?.session === session && this.#written.version === this.#wanted.version;
  }

  #isRegistered(): boolean {
    const written = this.#written;
    return written !== undefined && !written.session.signal.aborted && written.modRevision > this.#vanishedAtRevision;
  }

  #watchOwnKey(): void {
    this.#ownKey.observe({ diff: ({ revision }) => this.#ownKeyChanged(revision) });
    this.#ownKey.start();
  }

  #ownKeyChanged(revision: number): void {
    const now = this.#ownKey.get(this.#key);
    if (!now) {
      this.#vanishedAtRevision = revision;
      return this.#wake();
    }
    if (now.value.registrationId === this.#registrationId) return;
    this.#end(new InstanceReplacedError(this.service, this.id, now.value.owner));
  }

  #untilWritten(version: number): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const waiter = {
        version,
        resolve: () => void (this.#waiters.delete(waiter), resolve()),
        reject: (reason: Error) => void (this.#waiters.delete(waiter), reject(reason)),
      };
      this.#waiters.add(waiter);
    });
  }

  // --- The end ----------------------------------------------------------------------------------------------------------

  #end(reason: unknown): void {
    if (this.#ended.signal.aborted) return;
    // Who hears of the end may ask at once to have it waited for.
    this.#closing = Promise.resolve().then(() => this.#close());
    this.#ended.abort(reason);
    for (const waiter of this.#waiters) waiter.reject(reason as Error);
    this.#wake();
  }

  async #close(): Promise<void> {
    await Promise.all([this.#keeper.close(), this.#session?.close(), this.#lostSession?.close(), this.#ownKey.close()]);
    await this.#running;
  }
}
