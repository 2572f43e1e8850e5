import type { Server } from '@grpc/grpc-js';
import { CallGate } from './handlers/call-gate.js';
import { EtcdServices } from './handlers/etcd-services.js';
import { LastingCalls } from './handlers/lasting-calls.js';
import { OpenServices } from './handlers/open-services.js';
import type { HandlerParts } from './handlers/parts.js';
import { tolerant } from './malformed.js';

/** The services of a member, as grpc-js calls them: admission, malformed messages, errors as statuses, streams until they end. */
export class Handlers {
  readonly #parts: HandlerParts;
  readonly #gate: CallGate;
  readonly #lasting: LastingCalls;
  readonly #etcd: EtcdServices;
  readonly #open: OpenServices;

  constructor(parts: HandlerParts) {
    this.#parts = parts;
    this.#gate = new CallGate(parts);
    this.#lasting = new LastingCalls(this.#gate);
    this.#etcd = new EtcdServices(parts, this.#gate, this.#lasting);
    const definitions = this.#etcd.all().map(([definition]) => definition);
    this.#open = new OpenServices(parts, this.#gate, this.#lasting, definitions);
  }

  /** Adds every service to what carries it. */
  addTo(server: Pick<Server, 'addService'>): void {
    const target = this.#parts.counts?.on(server) ?? server;
    for (const [definition, handlers] of [...this.#etcd.all(), ...this.#open.all()]) {
      target.addService(tolerant(definition), { ...handlers });
    }
  }

  /** Ends every stream, and every call that waits. */
  endStreams(reason: Error): void {
    this.#lasting.endAll(reason);
  }

  close(): void {
    this.#gate.close();
  }
}
