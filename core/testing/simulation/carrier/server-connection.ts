import { Metadata, type StatusObject, status } from '@grpc/grpc-js';
import type { Clock } from '../../../base/clock.js';
import type { RpcLimits } from '../../../rpc/rpc-limits.js';
import type { ConnectionEnd } from '../network/connection-end.js';
import { type Frame, FrameSender } from './frames.js';
import { KeepAlive } from './keep-alive.js';
import { ServerCall } from './server-call.js';
import type { ServedMethod } from './virtual-server.js';

export interface ServerConnectionParts {
  readonly methods: ReadonlyMap<string, ServedMethod>;
  readonly messageBytesMax: number;
  readonly clock: Clock;
  readonly limits: RpcLimits;
  /** The last call under way has ended. */
  readonly onIdle: () => void;
  readonly onClosed: () => void;
}

/** A connection that a client made to a member: the calls on it. */
export class ServerConnection {
  readonly #end: ConnectionEnd;
  readonly #parts: ServerConnectionParts;
  readonly #sender: FrameSender;
  readonly #calls = new Map<number, ServerCall>();
  readonly #keepAlive: KeepAlive;
  #saidGoodbye = false;

  constructor(end: ConnectionEnd, parts: ServerConnectionParts) {
    this.#end = end;
    this.#parts = parts;
    this.#sender = new FrameSender(end);
    this.#keepAlive = new KeepAlive({
      clock: parts.clock,
      everyMs: parts.limits.keepAliveMs,
      timeoutMs: parts.limits.keepAliveTimeoutMs,
      isNeeded: () => true,
      ping: () => this.#sender.send({ type: 'ping' }),
      onSilence: () => this.close(),
    });
    this.#keepAlive.needed();
    end.events = {
      onReceive: (frames) => (frames as readonly Frame[]).forEach((frame) => this.#receive(frame)),
      onClose: () => this.#closed(),
    };
  }

  get callCount(): number {
    return this.#calls.size;
  }

  /** Takes no more calls; those under way go on. */
  sayGoodbye(): void {
    this.#saidGoodbye = true;
    this.#sender.send({ type: 'goodbye' });
  }

  close(): void {
    this.#sender.flush();
    this.#end.close();
    this.#closed();
  }

  #receive(frame: Frame): void {
    if (frame.type === 'call') this.#begin(frame.id, frame.path, frame.metadata);
    else if (frame.type === 'ping') this.#sender.send({ type: 'pong' });
    else if (frame.type === 'pong') this.#keepAlive.answered();
    else if (frame.type !== 'goodbye') this.#calls.get(frame.id)?.receive(frame);
  }

  #begin(id: number, path: string, metadata: Metadata): void {
    const method = this.#parts.methods.get(path);
    if (this.#saidGoodbye) return this.#refuse(id, status.UNAVAILABLE, 'Stream refused by server');
    if (method === undefined) {
      return this.#refuse(id, status.UNIMPLEMENTED, `The server does not implement the method ${path}`);
    }
    const { messageBytesMax } = this.#parts;
    const onEnded = () => {
      this.#calls.delete(id);
      if (this.#calls.size === 0) this.#parts.onIdle();
    };
    const call = new ServerCall({ id, path, metadata, method, sender: this.#sender, messageBytesMax, onEnded });
    this.#calls.set(id, call);
    call.begin();
  }

  #refuse(id: number, code: status, details: string): void {
    const refusal: StatusObject = { code, details, metadata: new Metadata() };
    this.#sender.send({ type: 'status', id, status: refusal, isAnswer: false });
  }

  #closed(): void {
    this.#keepAlive.stop();
    const calls = [...this.#calls.values()];
    this.#calls.clear();
    for (const call of calls) call.cancelled();
    this.#parts.onClosed();
  }
}
