import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { type MethodDefinition, status } from '@grpc/grpc-js';
import { onAbort } from '../base/abort.js';
import { asBuffer } from '../base/bytes.js';
import { UnavailableError } from '../base/errors.js';
import { type Ending, endingOf, endingOfHttp, FrameReader, toFrame } from './grpc-frames.js';
import { type ClientSettings, type EndpointAddress, nameOf } from './settings.js';

/** What may be under way unread, so that a large answer is not held up by the way there and back. */
const STREAM_WINDOW_BYTES = 1024 * 1024;
const SESSION_WINDOW_BYTES = 8 * STREAM_WINDOW_BYTES;

/** How etcd, and Conclave, are told so. */
const WANTS_LEADER = { hasleader: 'true' };

/** One method of a generated service, with its codecs. */
export type Method<Request, Response> = Pick<
  MethodDefinition<Request, Response>,
  'path' | 'requestSerialize' | 'responseDeserialize'
>;

/** Where a call's answers go. */
export interface CallListener<Response> {
  onMessage(message: Response): void;
  /** The last that is heard, unless the call is cancelled. */
  onEnd(end: CallEnd): void;
}

/** How a call ended, and on whose word. */
export interface CallEnd extends Ending {
  /** The server's answer; or nothing, for the stream or the whole connection broke. */
  readonly by: 'server' | 'stream' | 'connection';
  /** Whether the server certainly did nothing: it was never written, or refused unread (RFC 9113, section 8.7). */
  readonly isNotSent: boolean;
}

/** One call or stream under way. What is done to it after its end does nothing. */
export interface Call<Request> {
  write(request: Request): void;
  /** Nothing more will be written. */
  end(): void;
  /** Ends it, and tells the server; the listener hears nothing more. */
  cancel(): void;
}

/**
 * gRPC over one HTTP/2 connection, as little of it as a store needs: no repetitions, no balancing, no name service. A
 * call takes half the processor time that it takes through grpc-js, and what was not sent is known for certain.
 *
 * @remarks Source: the description of gRPC over HTTP/2; RFC 9113.
 */
export class GrpcSession {
  readonly #session: ClientHttp2Session;
  readonly #settings: ClientSettings;
  readonly #base: OutgoingHttpHeaders;
  #callCount = 0;
  #heardSincePing = false;
  /** Whether the server gave the connection up with an error; then its streams bear that code, whatever became of them. */
  #hasFailed = false;

  private constructor(session: ClientHttp2Session, address: EndpointAddress, settings: ClientSettings) {
    this.#session = session;
    this.#settings = settings;
    this.#base = {
      [constants.HTTP2_HEADER_METHOD]: 'POST',
      [constants.HTTP2_HEADER_AUTHORITY]: authorityOf(address),
      'content-type': 'application/grpc',
      te: 'trailers',
    };
    session.on('goaway', (code: number) => (this.#hasFailed ||= code !== constants.NGHTTP2_NO_ERROR));
    session.setLocalWindowSize(SESSION_WINDOW_BYTES);
    // Only somebody who waits keeps the process running.
    session.unref();
    this.#pingLater();
  }

  /**
   * Connects, and waits until the other end speaks HTTP/2.
   *
   * @throws {@link UnavailableError} if it does not within `connectTimeoutMs`; the cause says why
   * @throws the signal's reason if it aborts
   */
  static connect(address: EndpointAddress, settings: ClientSettings, signal: AbortSignal): Promise<GrpcSession> {
    return new Promise((resolve, reject) => {
      const session = connect(urlOf(address), {
        settings: { enablePush: false, initialWindowSize: STREAM_WINDOW_BYTES },
        // What is under way is bounded by the calls that are.
        maxSessionMemory: Number.MAX_SAFE_INTEGER,
        ...tlsOf(address),
      });
      const settle = () => {
        timer.cancel();
        stopListening();
        session.off('error', onError);
        session.off('close', onClose);
        // Errors after this come with the closing that follows them.
        session.on('error', () => {});
      };
      const fail = (error: Error) => {
        settle();
        session.destroy();
        reject(error);
      };
      const unreachable = (why: string, cause?: Error) =>
        fail(new UnavailableError(`${nameOf(address)} could not be reached: ${why}`, { cause }));
      const onError = (error: Error) => unreachable(error.message, error);
      const onClose = () => unreachable('it closed the connection');
      const timer = settings.clock.after(settings.connectTimeoutMs, () =>
        unreachable(`it did not answer within ${settings.connectTimeoutMs} ms`),
      );
      const stopListening = onAbort(signal, (reason) => fail(reason as Error));
      session.on('error', onError);
      session.on('close', onClose);
      session.once('remoteSettings', () => {
        settle();
        resolve(new GrpcSession(session, address, settings));
      });
    });
  }

  /** Calls back once when it takes no more calls: it broke, or the server said goodbye. Calls under way may go on. */
  onGone(callback: (why: string) => void): void {
    let isTold = false;
    const tell = (why: string) => {
      if (!isTold) callback(why);
      isTold = true;
    };
    this.#session.on('error', (error: Error) => tell(`the connection was lost: ${error.message}`));
    this.#session.on('goaway', () => tell('the server said goodbye'));
    this.#session.on('close', () => tell('the connection was lost'));
    if (this.#session.closed || this.#session.destroyed) tell('the connection was lost');
  }

  /**
   * Begins a call, or a stream.
   *
   * @param wantsLeader - a server that knows no leader refuses it at once, instead of staying silent; a stream that is
   * open ends when the leader has been lost for a while
   * @throws if the connection takes no calls any more; nothing was sent
   */
  open<Request, Response>(
    method: Method<Request, Response>,
    listener: CallListener<Response>,
    wantsLeader = true,
  ): Call<Request> {
    const stream = this.#session.request({
      ...this.#base,
      ...(wantsLeader && WANTS_LEADER),
      [constants.HTTP2_HEADER_PATH]: method.path,
    });
    if (this.#callCount === 0) this.#session.ref();
    this.#callCount += 1;
    const state = new CallState(stream, this.#session, () => this.#hasFailed, method.responseDeserialize, listener);
    stream.on('data', (piece: Buffer) => {
      this.#heardSincePing = true;
      state.read(piece);
    });
    stream.on('close', () => {
      this.#callCount -= 1;
      if (this.#callCount === 0 && !this.#session.destroyed) this.#session.unref();
      state.closed();
    });
    return {
      write: (request) => {
        if (stream.writable) stream.write(toFrame(method.requestSerialize(request)));
      },
      end: () => void stream.end(),
      cancel: () => state.cancel(),
    };
  }

  close(): void {
    this.#session.destroy();
  }

  /** While calls are under way and nothing comes, the connection is asked whether it is still there. */
  #pingLater(): void {
    const { clock, keepAliveMs } = this.#settings;
    const timer = clock.after(keepAliveMs, () => {
      if (this.#session.destroyed) return;
      if (this.#callCount > 0 && !this.#heardSincePing) this.#ping();
      this.#heardSincePing = false;
      this.#pingLater();
    });
    this.#session.once('close', () => timer.cancel());
  }

  #ping(): void {
    const { clock, keepAliveTimeoutMs } = this.#settings;
    const timer = clock.after(keepAliveTimeoutMs, () => this.#session.destroy(new Error('a ping was not answered')));
    this.#session.ping(() => timer.cancel());
  }
}

/** What has come of one call. */
class CallState<Response> {
  readonly #stream: ClientHttp2Stream;
  readonly #session: ClientHttp2Session;
  readonly #hasFailed: () => boolean;
  readonly #decode: (bytes: Buffer) => Response;
  readonly #listener: CallListener<Response>;
  readonly #frames = new FrameReader();
  #ending: Ending | undefined;
  #error: Error | undefined;
  #isOver = false;

  constructor(
    stream: ClientHttp2Stream,
    session: ClientHttp2Session,
    hasFailed: () => boolean,
    decode: (bytes: Buffer) => Response,
    listener: CallListener<Response>,
  ) {
    this.#stream = stream;
    this.#session = session;
    this.#hasFailed = hasFailed;
    this.#decode = decode;
    this.#listener = listener;
    stream.on('response', (headers) => (this.#ending ??= endingOf(headers) ?? endingOfHttp(headers)));
    stream.on('trailers', (headers: IncomingHttpHeaders) => {
      this.#ending ??= endingOf(headers);
      if (stream.readableEnded) this.#answered();
    });
    stream.on('end', () => this.#answered());
    stream.on('error', (error: Error) => (this.#error = error));
  }

  read(piece: Buffer): void {
    // What follows a status that came first, as that of a proxy does, is no message.
    if (this.#isOver || this.#ending) return;
    try {
      for (const bytes of this.#frames.read(piece)) {
        // A listener may cancel in the middle.
        if (!this.#isOver) this.#listener.onMessage(this.#decode(bytes));
      }
    } catch (error) {
      this.#end({ code: status.INTERNAL, details: (error as Error).message, by: 'stream', isNotSent: false });
      this.#stream.close(constants.NGHTTP2_CANCEL);
    }
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#stream.close(constants.NGHTTP2_CANCEL);
  }

  /** The stream is closed on both sides, or broken. */
  closed(): void {
    this.#answered();
    if (this.#isOver) return;
    const code = this.#stream.rstCode;
    // A stream without an id has never left this process.
    const isNotSent =
      this.#stream.id === undefined || (code === constants.NGHTTP2_REFUSED_STREAM && !this.#hasFailed());
    const isConnection = this.#session.destroyed || this.#session.closed;
    const details = this.#error?.message ?? `the ${isConnection ? 'connection' : 'stream'} was broken off (${code})`;
    this.#end({ code: status.UNAVAILABLE, details, by: isConnection ? 'connection' : 'stream', isNotSent });
  }

  /** All that was sent has been read, and its status may be known. The server waits for no more, so neither do we. */
  #answered(): void {
    if (this.#ending === undefined || this.#isOver) return;
    if (!this.#stream.writableEnded) this.#stream.close(constants.NGHTTP2_CANCEL);
    this.#end({ ...this.#ending, by: 'server', isNotSent: false });
  }

  #end(end: CallEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#listener.onEnd(end);
  }
}

function urlOf(address: EndpointAddress): string {
  return `${address.tls ? 'https' : 'http'}://${nameOf(address)}`;
}

function authorityOf(address: EndpointAddress): string {
  const { tls } = address;
  return typeof tls === 'object' && tls.serverName !== undefined ? tls.serverName : nameOf(address);
}

function tlsOf({ tls }: EndpointAddress): object {
  if (typeof tls !== 'object') return {};
  const { ca, cert, key, serverName } = tls;
  return {
    ...(ca && { ca: asBuffer(ca) }),
    ...(cert && { cert: asBuffer(cert) }),
    ...(key && { key: asBuffer(key) }),
    ...(serverName !== undefined && { servername: serverName }),
  };
}
