import type { Socket } from 'node:net';
import { KEEP_ALIVE, KIND } from './frame.js';
import { FrameReader } from './frame-reader.js';
import { MalformedError } from './wire-reader.js';

/** Why a connection ended. */
export interface LinkEnd {
  /** In words, without addresses. */
  readonly why: string;
  /** The operating system's or TLS's, such as `ECONNREFUSED`. */
  readonly errorCode?: string;
}

/** Who is told of what happens on a connection. */
export interface LinkEvents {
  onPreamble(version: number): void;
  /** Keep-alives excepted. A `MalformedError` that it throws ends the connection. */
  onFrame(kind: number, body: Buffer): void;
  /** Once, whoever ended it; never from inside a call to the link. */
  onClose(end: LinkEnd): void;
}

/** One connection to another member: frames over a socket, and whether the other end still lives. */
export class Link {
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  #end: LinkEnd | undefined;
  #isEnding = false;
  #hasWritten = false;
  #quietBeats = 0;

  /** @param bodyBytesMax - of frames, until {@link admit} is called */
  constructor(socket: Socket, bodyBytesMax: number, events: LinkEvents) {
    this.#socket = socket;
    this.#reader = new FrameReader(bodyBytesMax, {
      onPreamble: (version) => events.onPreamble(version),
      onFrame: (kind, body) => {
        if (kind !== KIND.keepAlive) events.onFrame(kind, body);
        else if (body.length > 0) throw new MalformedError('a keep-alive with a body');
      },
    });
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', (error) => (this.#end ??= endOf(error)));
    // Nothing of what we still have to say would be read.
    socket.on('end', () => this.#close({ why: 'the other end closed it' }));
    socket.on('close', () => {
      this.#reader.stop();
      events.onClose(this.#end ?? { why: 'the other end closed it' });
    });
  }

  get isClosed(): boolean {
    return this.#socket.destroyed;
  }

  /** Bytes that were written and have not been taken by the operating system. */
  get waitingBytes(): number {
    return this.#socket.writableLength;
  }

  /** The other end is known now: takes frames as large as a member may send. */
  admit(bodyBytesMax: number): void {
    this.#reader.bodyBytesMax = bodyBytesMax;
  }

  /** Lets the process end although the connection is open. */
  unref(): void {
    this.#socket.unref();
  }

  /**
   * Writes all of it at once.
   *
   * @param taken - called when the operating system has the last of it, or the connection ended
   */
  write(buffers: readonly Uint8Array[], taken?: () => void): void {
    this.#hasWritten = true;
    const last = buffers.length - 1;
    this.#socket.cork();
    for (let at = 0; at <= last; at += 1) {
      this.#socket.write(buffers[at] as Uint8Array, at === last ? taken : undefined);
    }
    this.#socket.uncork();
  }

  /** Reads no more until {@link resume}, so that the other end has to wait. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#quietBeats = 0;
    this.#socket.resume();
  }

  /** Says a last thing, if there is one, and closes when it has left. Nothing that arrives is heard any more. */
  finish(why: string, last: readonly Uint8Array[] = []): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#end ??= { why };
    this.#reader.stop();
    if (last.length > 0) this.write(last);
    this.#socket.destroySoon();
  }

  /** Closes at once, unless it is finishing already. */
  destroy(why: string): void {
    if (!this.#isEnding) this.#close({ why });
  }

  /** Closes at once, even if a last thing has not left. */
  abandon(why: string): void {
    this.#close({ why });
  }

  /** Resolves when it has closed. The process goes on until then. */
  whenClosed(): Promise<void> {
    if (this.#socket.closed) return Promise.resolve();
    this.#socket.ref();
    return new Promise((resolve) => this.#socket.once('close', () => resolve()));
  }

  /**
   * One beat of the pulse: says that we live if nothing else did, and counts the beats without a sign of the other end.
   * Beats are counted, not milliseconds, so that a stall of our own process is not taken for one of the other's.
   */
  beat(quietBeatsMax: number): void {
    if (!this.#socket.isPaused()) this.#quietBeats += 1;
    if (this.#quietBeats > quietBeatsMax) return this.#close({ why: 'nothing came from the other end for too long' });
    if (!this.#hasWritten && !this.#isEnding && this.waitingBytes === 0) this.#socket.write(KEEP_ALIVE);
    this.#hasWritten = false;
  }

  #read(chunk: Buffer): void {
    if (this.#isEnding) return;
    this.#quietBeats = 0;
    try {
      this.#reader.push(chunk);
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error;
      this.#close({ why: `it was not understood: ${error.message}` });
    }
  }

  #close(end: LinkEnd): void {
    this.#isEnding = true;
    this.#end ??= end;
    this.#reader.stop();
    this.#socket.destroy();
  }
}

/** A host of several addresses gives an error for each; the port counts as closed only if it is at all of them. */
function endOf(error: Error): LinkEnd {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const codes = errors.map((each) => (each as { code?: unknown }).code).filter((code) => typeof code === 'string');
  const errorCode = codes.find((code) => code !== 'ECONNREFUSED') ?? codes[0] ?? 'UNKNOWN';
  return { why: errorCode, errorCode };
}
