import type { Timer } from '../../core/base/clock.js';
import { hasCode } from '../../core/base/errors.js';
import type { KeyValue } from '../../core/base/key-value.js';
import { randomHex } from '../../core/base/prng.js';
import type { Store } from '../../core/store.js';
import type { ForeignReport } from '../foreign.js';
import { by, named, parseObject, toJson } from '../metadata.js';
import { SessionKeeper, type SessionSource } from '../session/session-keeper.js';
import type { Session } from '../session/session.js';
import { onAbort } from '../wait.js';
import type { ConfigLayout } from './release.js';

/** From a report that could not be written to the next attempt. */
const RETRY_MS = 5_000;

/** What one process made of a release, as it says itself. */
export interface InstanceReport {
  readonly instance: string;
  /** Where it runs: `host (pid)`. */
  readonly owner: string;
  readonly release: number;
  readonly status: 'applied' | 'rejected';
  /** Why it was rejected. */
  readonly error?: string;
  /** The release that this process works with, if it rejected this one and has another. */
  readonly inForce?: number;
}

export type Report = Pick<InstanceReport, 'release' | 'status' | 'error' | 'inForce'>;

/** 48 bits: enough to tell the processes that listen to one config from each other. */
const INSTANCE_DIGITS = 12;

/** Tells operators, under a lease, which release this process is at. What cannot be told now is told later. */
export class Reporter {
  readonly #store: Store;
  readonly #key: string;
  readonly #instance: string;
  readonly #sessions: SessionKeeper;
  readonly #stop = new AbortController();
  #wanted: Report | undefined;
  #told: { readonly report: Report; readonly session: Session } | undefined;
  #telling: Promise<void> | undefined;
  #retry: Timer | undefined;

  constructor(store: Store, layout: ConfigLayout, what: string, source: SessionSource) {
    this.#store = store;
    this.#instance = randomHex(store.prng, INSTANCE_DIGITS);
    this.#key = layout.seen(this.#instance);
    this.#sessions = new SessionKeeper(store, what, source);
  }

  /** Reports this from now on. Answers at once and never throws. */
  report(report: Report): void {
    this.#wanted = report;
    this.#refresh();
  }

  /** Takes the report back. Never rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#retry?.cancel();
    await this.#sessions.close();
    await this.#telling;
  }

  /** Reports what is not, or no longer, in the store. */
  #refresh(): void {
    if (!this.#stop.signal.aborted) this.#telling ??= this.#tell().finally(() => (this.#telling = undefined));
  }

  async #tell(): Promise<void> {
    try {
      while (!this.#stop.signal.aborted) {
        const report = this.#wanted as Report;
        const session = await this.#sessions.current(this.#stop.signal);
        if (this.#told?.session === session && this.#told.report === report) return;
        await this.#put(session, report);
        if (this.#told?.session !== session) onAbort(session.signal, () => this.#refreshLater(0));
        this.#told = { report, session };
      }
    } catch (error) {
      this.#store.logger.debug({ key: this.#key, err: error }, 'what became of a release could not be reported yet');
      this.#refreshLater(RETRY_MS);
    }
  }

  #refreshLater(delayMs: number): void {
    if (this.#stop.signal.aborted) return;
    this.#retry?.cancel();
    this.#retry = this.#store.clock.after(delayMs, () => this.#refresh());
  }

  async #put(session: Session, report: Report): Promise<void> {
    const value = { instance: this.#instance, owner: named(by(this.#store)), ...report };
    const { lease, signal } = session;
    try {
      await this.#store.put(this.#key, toJson(value, 'report'), { lease, signal });
    } catch (error) {
      throw hasCode(error, 'LEASE_NOT_FOUND') ? session.reportGone(error) : error;
    }
  }
}

/** The reports in these keys. What is none is told to the log, and left out. */
export function parseReports(kvs: readonly KeyValue[], foreign: ForeignReport): readonly InstanceReport[] {
  return kvs.flatMap(({ key, value }) => {
    const report = parseObject(value);
    if (isReport(report)) return [report];
    foreign.found(key);
    return [];
  });
}

function isReport(value: Readonly<Record<string, unknown>> | undefined): value is InstanceReport & typeof value {
  return (
    value !== undefined &&
    typeof value['instance'] === 'string' &&
    typeof value['owner'] === 'string' &&
    Number.isSafeInteger(value['release']) &&
    (value['error'] === undefined || typeof value['error'] === 'string') &&
    (value['inForce'] === undefined || Number.isSafeInteger(value['inForce'])) &&
    (value['status'] === 'applied' || value['status'] === 'rejected')
  );
}
