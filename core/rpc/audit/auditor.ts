import { CoordinationError } from '../../base/errors.js';
import type { Clock } from '../../base/clock.js';
import type { Logger } from '../../base/logger.js';
import type { Call } from '../handlers/parts.js';
import { PassedOnError } from '../service-errors.js';
import type { AuditEntry, AuditSink } from './audit-entry.js';
import { CHANGES, type Describe } from './changes.js';

export interface AuditorParts {
  readonly sink: AuditSink;
  readonly memberId: bigint;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly commonName?: ((call: Call) => string | undefined) | undefined;
  /** Milliseconds since 1970, for people to read. */
  readonly nowMs: () => number;
}

/** A call that may change something, from when it came. It is told of once, at its end. */
export interface AuditedCall {
  answered(response: unknown): void;
  refused(error: unknown): void;
}

/** Tells who asked for which change, when, from where, and what came of it. */
export class Auditor {
  readonly #parts: AuditorParts;
  readonly #users = new WeakMap<Call, string>();

  constructor(parts: AuditorParts) {
    this.#parts = parts;
  }

  /** It turned out as whom a call is made. */
  named(call: Call, user: string | undefined): void {
    if (user !== undefined) this.#users.set(call, user);
  }

  /** @returns undefined for a call that asks for no change */
  begin(path: string, call: Call, request: unknown): AuditedCall | undefined {
    const describe = CHANGES.get(path);
    if (describe === undefined) return undefined;
    const { clock, nowMs } = this.#parts;
    const begun = { path, call, request, describe, ms: clock.now(), time: new Date(nowMs()).toISOString() };
    return {
      answered: (response) => this.#tell(begun, response, revisionOf(response)),
      refused: (error) => this.#tell(begun, undefined, { code: codeOf(error) }),
    };
  }

  #tell(begun: Begun, response: unknown, outcome: Pick<AuditEntry, 'revision' | 'code'>): void {
    const { sink, memberId, clock, logger, commonName } = this.#parts;
    const { call, path, request, describe, time, ms } = begun;
    try {
      const change = describe(request, response);
      if (change === undefined) return;
      const [user, name] = [this.#users.get(call), commonName?.(call)];
      sink.record({
        time,
        method: path.slice(1),
        peer: call.getPeer(),
        ...(user !== undefined && { user }),
        ...(name !== undefined && { commonName: name }),
        member: memberId.toString(16),
        ...change,
        ...outcome,
        durationMs: Math.round((clock.now() - ms) * 1_000) / 1_000,
      });
    } catch (error) {
      // Whoever made the call has been answered, and is not to suffer.
      logger.error({ error, method: path }, 'a change could not be told of in the audit log');
    }
  }
}

interface Begun {
  readonly path: string;
  readonly call: Call;
  readonly request: unknown;
  readonly describe: Describe;
  readonly time: string;
  readonly ms: number;
}

function revisionOf(response: unknown): { readonly revision?: number } {
  const revision = (response as { header?: { revision?: number } } | undefined)?.header?.revision;
  return revision === undefined ? {} : { revision };
}

/** Never its text, which may name what was asked for. */
function codeOf(error: unknown): string {
  const cause = error instanceof PassedOnError ? error.cause : error;
  return cause instanceof CoordinationError ? cause.code : 'INTERNAL';
}
