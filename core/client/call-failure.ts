import { type ServiceError, status } from '@grpc/grpc-js';
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

/** What etcd's own timeouts are called where they arrive with the status UNKNOWN. */
const TIMED_OUT = /timed out|deadline exceeded|context canceled/;

/**
 * Why one attempt of a call failed. It was `notSent`; or the server `refused` it, having done nothing; or what became
 * of it is `unknown`. Never leaves this folder: callers get the typed error that it stands for.
 */
export class CallFailure extends Error {
  override readonly name = 'CallFailure';

  constructor(
    readonly kind: 'notSent' | 'refused' | 'unknown',
    message: string,
    /** Whether a call that may be carried out twice is worth repeating. */
    readonly isPassing: boolean,
    options: ErrorOptions & {
      /** The server's text, and what etcd means by it. */ readonly text?: string;
      readonly meaning?: Meaning | undefined;
    } = {},
  ) {
    super(message, options);
    this.text = options.text;
    this.meaning = options.meaning;
  }

  readonly text: string | undefined;
  readonly meaning: Meaning | undefined;

  static notSent(why: string, options: ErrorOptions = {}): CallFailure {
    return new CallFailure('notSent', why, true, options);
  }

  /** The answer did not come. */
  static lost(why: string): CallFailure {
    return new CallFailure('unknown', why, true);
  }

  /** What a status means, as etcd and grpc-js use them. */
  static ofStatus(endpoint: string, error: ServiceError): CallFailure {
    const { code, details } = error;
    const meaning = meaningOf(details);
    const nothingDone = meaning === 'NO_LEADER' || meaning === 'TOO_MANY_REQUESTS';
    const refused = nothingDone || (REFUSALS.has(code) && !details.startsWith(BROKEN_OFF));
    const isPassing =
      nothingDone ||
      PASSING.has(code) ||
      details.startsWith(BROKEN_OFF) ||
      (code === status.UNKNOWN && TIMED_OUT.test(details));
    const name = `${endpoint}: ${details} (${status[code]})`;
    return new CallFailure(refused ? 'refused' : 'unknown', name, isPassing, { cause: error, text: details, meaning });
  }
}
