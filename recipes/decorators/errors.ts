import { CoordinationError } from '../../core/base/errors.js';

/** A decorator is on the wrong thing, or names something that cannot serve it. Found when the class is loaded or at `start`. */
export class DecoratorMisuseError extends CoordinationError {
  readonly code = 'DECORATOR_MISUSE';
  readonly retry = 'never';
  constructor(
    /** The decorator and where it stands, such as `@locked on Billing.settle`. */
    readonly where: string,
    why: string,
  ) {
    super(`${where}: ${why}`);
  }
}

/** A decorated method was called on an object that no `start` has wired, or whose app has been disposed. */
export class NotStartedError extends CoordinationError {
  readonly code = 'NOT_STARTED';
  readonly retry = 'never';
  constructor(readonly where: string) {
    super(
      `${where} was called on an object that is not part of a started app: ` +
        'let `start(container, ...)` make it, or call `bypass(object)` in a unit test',
    );
  }
}

/** A method with `@leaderOnly(..., { otherwise: 'throw' })` was called while this process does not lead. */
export class NotLeaderError extends CoordinationError {
  readonly code = 'NOT_LEADER';
  readonly retry = 'safe';
  constructor(
    readonly where: string,
    readonly election: string,
  ) {
    super(`${where} runs only on the leader of ${election}, and this process does not lead it`);
  }
}
