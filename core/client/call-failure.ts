import { type ServiceError, status } from '@grpc/grpc-js';
import { RateLimitedError } from '../base/errors.js';
import { type Meaning, meaningOf } from '../rpc/errors.js';

/** Statuses after which a write was certainly not carried out. After any other it may have been. */
const REFUSALS = new Set<status>([
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
  status.FAILED_PRECONDITION,
  status.OUT_OF_RANGE,
  status.UNIMPLEMENTED,
  status.UNAUTHENTICATED,
]);

/** grpc-js reports with this text, as exhausted resources, a stream that the server broke off half-way. */
const BROKEN_OFF = 'Bandwidth exhausted';

/** Statuses that another member, or this one a little later, may not give. */
const PASSING = new Set<status>([
  status.UNAVAILABLE,
  status.CANCELLED,
  status.DEADLINE_EXCEEDED,
  status.ABORTED,
  status.INTERNAL,
]);

/** Statuses that tell of the endpoint, not of the call: another member should be asked from now on. */
const SICK = new Set<status>([status.UNAVAILABLE, status.DEADLINE_EXCEEDED]);

/** What etcd's own timeouts are called where they arrive with the status UNKNOWN. */
const TIMED_OUT = /timed out|deadline exceeded|context canceled/;

/**
 * What etcd, and Conclave, answer before they begin to do anything: the call was not carried out, and will not be. "no
 * leader" is the check at the door; "too many requests" is said instead of proposing; a learner takes no calls. Not
 * among them are "server stopped", "leader changed" and every timeout, which are said of proposals under way, too.
 */
const NOTHING_DONE = new Set<Meaning | undefined>(['NO_LEADER', 'TOO_MANY_REQUESTS', 'LEARNER_REFUSES']);

/**
 * Why one attempt of a call failed. It was `notSent`; or the server `refused` it, having done nothing; or what became
 * of it is `unknown`. Never leaves this folder: callers get the typed error that it stands for.
 */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';
  /** The server's text, and what etcd means by it. */
  readonly text: string | undefined;
  readonly meaning: Meaning | undefined;
  /** Who answered, where it is known. */
  readonly endpoint: string | undefined;
  /** Whether the endpoint is to be left. */
  readonly isSick: boolean;
  /** Milliseconds for which the server asked to be left alone with it. */
  readonly retryAfterMs: number | undefined;

  constructor(
    readonly kind: 'notSent' | 'refused' | 'unknown',
    message: string,
    /** Whether the same call may succeed later, or elsewhere. */
    readonly isPassing: boolean,
    options: ErrorOptions & {
      readonly text?: string;
      readonly meaning?: Meaning | undefined;
      readonly endpoint?: string;
      readonly isSick?: boolean;
      readonly retryAfterMs?: number | undefined;
    } = {},
  ) {
    super(message, options);
    this.text = options.text;
    this.meaning = options.meaning;
    this.endpoint = options.endpoint;
    this.isSick = options.isSick ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }

  static notSent(why: string, options: ErrorOptions = {}): CallFailure {
    return new CallFailure('notSent', why, true, options);
  }

  /** The answer did not come. */
  static lost(why: string, options: ErrorOptions = {}): CallFailure {
    return new CallFailure('unknown', why, true, { ...options, isSick: true });
  }

  /** What a status means, as etcd and grpc-js use them. */
  static ofStatus(endpoint: string, error: ServiceError): CallFailure {
    const { code, details } = error;
    const meaning = meaningOf(details);
    const retryAfterMs = RateLimitedError.ofText(details)?.retryAfterMs;
    const nothingDone = NOTHING_DONE.has(meaning) || retryAfterMs !== undefined;
    const isBrokenOff = details.startsWith(BROKEN_OFF);
    const hasTimedOut = code === status.UNKNOWN && TIMED_OUT.test(details);
    // While that alarm is raised nothing is carried out; as a status it is lost data, which might mean anything.
    const isRefused = nothingDone || meaning === 'CORRUPT' || (REFUSALS.has(code) && !isBrokenOff);
    const isPassing = nothingDone || isBrokenOff || hasTimedOut || PASSING.has(code);
    const isSick = SICK.has(code) || hasTimedOut || meaning === 'LEARNER_REFUSES';
    const name = `${endpoint}: ${details} (${status[code]})`;
    const options = { cause: error, text: details, meaning, endpoint, isSick, retryAfterMs };
    return new CallFailure(isRefused ? 'refused' : 'unknown', name, isPassing, options);
  }

  /** Whether nothing was done and nothing will be, so that even a write may be made again. */
  get isHarmless(): boolean {
    return this.kind === 'notSent' || (this.kind === 'refused' && this.isPassing);
  }
}
