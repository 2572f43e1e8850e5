import type { Metadata, ServerErrorResponse } from '@grpc/grpc-js';
import type { CoordinationError } from '../../base/errors.js';
import { type AuditedCall, Auditor } from '../audit/auditor.js';
import { Admission } from '../admission.js';
import { credentialsOf } from '../credentials.js';
import { toWireError } from '../errors.js';
import type { MemberPorts } from '../ports.js';
import { Services } from '../services.js';
import type { Call, HandlerParts } from './parts.js';

/** What is the same for calls of every kind: whether one goes on, as whom, and what is answered for an error. */
export class CallGate {
  readonly #parts: HandlerParts;
  readonly #admission: Admission;
  readonly #auditor: Auditor | undefined;
  readonly #services = new WeakMap<MemberPorts, Services>();

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    const { audit: sink, member, logger, commonName } = parts;
    const { clock, memberId } = member;
    this.#auditor = sink && new Auditor({ sink, memberId, clock, logger, commonName, nowMs: Date.now });
    this.#admission = new Admission(parts.member, parts.member.clock, parts.limits.leaderLossMs);
  }

  /** Why a call is not taken, if it is not. @param forLearners - whether a learner answers such a call too */
  refusal({ metadata }: Call, forLearners: boolean): CoordinationError | undefined {
    return this.#admission.refusal(metadata, forLearners);
  }

  /** Looks after an open stream: `end` is called once if it must not go on. @returns ends that */
  watchOver(metadata: Metadata, end: (error: Error) => void): () => void {
    return this.#admission.watchOver(metadata, end);
  }

  /** Takes note of a call, if it asks for a change and somebody is told of those. */
  audited(path: string, call: Call, request: unknown): AuditedCall | undefined {
    return this.#auditor?.begin(path, call, request);
  }

  /** The services as whoever makes the call may use them. @throws if there is none such */
  async servicesFor(call: Call): Promise<Services> {
    const { member, commonName } = this.#parts;
    const caller = await member.callers.of(credentialsOf(call.metadata, commonName?.(call)));
    this.#auditor?.named(call, caller.user);
    const known = this.#services.get(caller);
    if (known !== undefined) return known;
    const services = new Services(caller);
    this.#services.set(caller, services);
    return services;
  }

  /** The status that tells of an error; one that must not happen is logged, and its words stay here. */
  toStatus(error: unknown): ServerErrorResponse {
    const { grpc, text } = toWireError(error);
    if (text === 'internal error') this.#parts.logger.error({ error }, 'a call failed in a way that it must not');
    return Object.assign(new Error(text), { code: grpc, details: text });
  }

  close(): void {
    this.#admission.close();
  }
}
