import type { Clock } from '../base/clock.js';
import { type DialTls, parseUrl } from './address.js';
import { FRAME_HEADER_BYTES, KIND, PREAMBLE, PROTOCOL_VERSION } from './frame.js';
import { decodeRefused, encodeRefused } from './greeting.js';
import type { PeerLimits } from './limits.js';
import { Link, type LinkEnd } from './link.js';
import type { Sockets } from './sockets.js';
import type { Refused } from './types.js';

/** Why no connection came about. */
export interface DialFailure {
  /** In words, without addresses. */
  readonly why: string;
  /** Nobody listens there: the machine answers that the port is closed. */
  readonly isPortClosed: boolean;
  /** One end will not talk to the other. */
  readonly refused?: Refused;
}

/** Whom to connect to, and who is told how it went: `onFailure`, or `onOpen` and later `onClose`, unless cancelled. */
export interface DialOptions {
  readonly url: string;
  readonly sockets: Sockets;
  readonly tls: DialTls | undefined;
  readonly hello: Buffer;
  readonly clock: Clock;
  readonly limits: PeerLimits;
  /** Whether the process goes on for its sake. */
  readonly isHeld: boolean;
  /**
   * Judges the first frame, a refusal excepted. What it answers is told to the other end.
   *
   * @throws `MalformedError` if it should not be
   */
  judge(kind: number, body: Buffer): Refused | undefined;
  onOpen(link: Link): void;
  onFrame(kind: number, body: Buffer): void;
  onClose(end: LinkEnd): void;
  onFailure(failure: DialFailure): void;
}

/**
 * Connects to another member and greets it.
 *
 * @returns calls the attempt off, or closes the connection; nothing is told then
 */
export function dial(options: DialOptions): () => void {
  const endpoint = parseUrl(options.url);
  if (endpoint === undefined) return failSoon(options, 'its URL is not of the form http://host:port');
  const { clock, limits } = options;
  let stage: 'greeting' | 'open' | 'over' = 'greeting';
  const socket = options.sockets.connect(endpoint, options.tls, () => link.write([PREAMBLE, options.hello]));
  const fail = (failure: DialFailure) => {
    if (stage !== 'greeting') return;
    stage = 'over';
    timer.cancel();
    // A link that still has our refusal to deliver goes on until that has left.
    link.destroy(failure.why);
    options.onFailure(failure);
  };
  const link = new Link(socket, limits.frameBytesMax - FRAME_HEADER_BYTES, {
    onPreamble: (version) => {
      if (version !== PROTOCOL_VERSION) fail(refusalOf(versionMismatch(version)));
    },
    onFrame: (kind, body) => {
      if (stage === 'open') return options.onFrame(kind, body);
      if (stage === 'over') return;
      if (kind === KIND.refused) return fail(refusalOf(decodeRefused(body)));
      const refused = options.judge(kind, body);
      if (refused !== undefined) {
        link.finish(refused.reason, [encodeRefused(refused)]);
        return fail(refusalOf(refused));
      }
      stage = 'open';
      timer.cancel();
      options.onOpen(link);
    },
    onClose: (end) => {
      if (stage === 'open') options.onClose(end);
      else fail({ why: end.why, isPortClosed: end.errorCode === 'ECONNREFUSED' });
    },
  });
  const timer = clock.after(limits.greetingTimeoutMs, () =>
    fail({ why: `it did not answer within ${limits.greetingTimeoutMs} ms`, isPortClosed: false }),
  );
  if (options.isHeld) timer.hold?.();
  else link.unref();
  return () => {
    stage = 'over';
    timer.cancel();
    link.destroy('it is not wanted any more');
  };
}

/** How both ends say that they speak different protocols. */
export function versionMismatch(theirs: number): Refused {
  const reason = `the other end speaks version ${theirs} of the members' protocol, this one version ${PROTOCOL_VERSION}`;
  return { code: 'versionMismatch', reason };
}

function refusalOf(refused: Refused): DialFailure {
  return { why: refused.reason, isPortClosed: false, refused };
}

/** Tells of a failure in a later turn, as all others are told. */
function failSoon(options: DialOptions, why: string): () => void {
  let isCancelled = false;
  options.clock.soon(() => {
    if (!isCancelled) options.onFailure({ why, isPortClosed: false });
  });
  return () => void (isCancelled = true);
}
