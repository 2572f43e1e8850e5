import type { Metadata, StatusObject } from '@grpc/grpc-js';
import type { ConnectionEnd } from '../network/connection-end.js';

/** What travels on a connection between a client and a member: as much of HTTP/2 as gRPC needs, messages encoded. */
export type Frame =
  | { readonly type: 'call'; readonly id: number; readonly path: string; readonly metadata: Metadata }
  | { readonly type: 'message'; readonly id: number; readonly bytes: Buffer }
  /** The client has said everything. */
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'cancel'; readonly id: number }
  /** The server has said everything. `isAnswer`: of a call with one answer. */
  | { readonly type: 'status'; readonly id: number; readonly status: StatusObject; readonly isAnswer: boolean }
  /** So many bytes of messages were read. */
  | { readonly type: 'window'; readonly id: number; readonly bytes: number }
  | { readonly type: 'ping' }
  | { readonly type: 'pong' }
  /** The server takes no more calls on this connection. */
  | { readonly type: 'goodbye' };

/** Frames of one moment leave together, as in one packet. */
export class FrameSender {
  readonly #end: ConnectionEnd;
  #frames: Frame[] = [];

  constructor(end: ConnectionEnd) {
    this.#end = end;
  }

  send(frame: Frame): void {
    this.#frames.push(frame);
    if (this.#frames.length === 1) queueMicrotask(() => this.flush());
  }

  flush(): void {
    const frames = this.#frames;
    if (frames.length === 0) return;
    this.#frames = [];
    const { trace } = this.#end.life.process.world;
    for (const frame of frames) if (frame.type === 'message') trace.bytes(frame.bytes);
    if (this.#losesAnswer(frames)) return this.#end.break();
    this.#end.send(frames);
  }

  #losesAnswer(frames: readonly Frame[]): boolean {
    const { link } = this.#end;
    if (!link.loseReplies || !frames.some((frame) => frame.type === 'status' && frame.isAnswer)) return false;
    link.felt('lost reply');
    return true;
  }
}
