import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type Duration, toMilliseconds } from '../../core/base/duration.js';
import { InvalidArgumentError } from '../../core/base/errors.js';
import type { SessionSource } from '../session/session-keeper.js';
import { mergedSettings, type RecipeClass, requiredName } from '../settings.js';
import type { WaitOptions } from '../wait.js';
import type { Input } from './schema.js';

export interface ConfigWatcherOptions<S extends StandardSchemaV1 = StandardSchemaV1> extends SessionSource {
  /** Everybody who gives this name, in this namespace, shares one configuration. */
  readonly name?: string;
  /** What a document must be: any Standard Schema, such as zod's, valibot's or arktype's. */
  readonly schema?: S;
  /** The first part of its keys. Default: `'conclave'`. */
  readonly namespace?: string;
  /** Published if nothing was published yet. */
  readonly initial?: Input<S>;
  /** How many releases are kept. Default: 50. */
  readonly history?: number;
  /** A file for the last good release, used if the store does not answer at the start. It holds the document as it is. */
  readonly snapshot?: string;
  /** How long a start waits for the store before it takes the snapshot. Default: `'3s'`. */
  readonly offlineAfter?: Duration;
  /** After a change, how long to wait for others; releases that follow each other faster are told as one. Default: `'100ms'`. */
  readonly debounce?: Duration;
  /** After so long the store is asked whether a change was missed; at least a second. Default: `'60s'`. */
  readonly reconcile?: Duration;
  /** Let `instances()` show what this process made of the release. Default: false. */
  readonly report?: boolean;
}

export interface PublishOptions extends WaitOptions {
  /** Why; shown in the history. */
  readonly comment?: string;
  /** Who. Default: host and process. */
  readonly author?: string;
  /** Publish only if this release is in force; 0: only if none is. */
  readonly ifRelease?: number;
}

const HISTORY = 50;
const RECONCILE_LEAST_MS = 1_000;

/** The options that a watcher cannot do without, and those with a default, in the form in which it works with them. */
export interface ConfigSettings<S extends StandardSchemaV1> {
  readonly name: string;
  readonly schema: S;
  readonly historyMax: number;
  readonly offlineAfterMs: number;
  readonly debounceMs: number;
  readonly reconcileMs: number;
}

/** @throws {@link InvalidArgumentError} if name or schema are missing, or an option is outside its limits */
export function configSettings<S extends StandardSchemaV1>(
  watcherClass: RecipeClass,
  given: ConfigWatcherOptions<S> | undefined,
): { readonly options: ConfigWatcherOptions<S>; readonly settings: ConfigSettings<S> } {
  const options = mergedSettings<ConfigWatcherOptions<S>>(watcherClass, 'configWatcher', given);
  const { schema, history = HISTORY } = options;
  const name = requiredName(watcherClass, 'configWatcher', options);
  if (typeof schema?.['~standard']?.validate !== 'function') {
    throw new InvalidArgumentError(
      `${watcherClass.name}.schema`,
      schema,
      'a Standard Schema, such as one of zod or valibot',
    );
  }
  if (!Number.isSafeInteger(history) || history < 1) {
    throw new InvalidArgumentError('history', history, 'a whole number from 1');
  }
  const reconcileMs = toMilliseconds(options.reconcile ?? '60s', 'reconcile');
  if (reconcileMs < RECONCILE_LEAST_MS) {
    throw new InvalidArgumentError('reconcile', options.reconcile, 'at least a second');
  }
  const settings = {
    name,
    schema,
    historyMax: history,
    offlineAfterMs: toMilliseconds(options.offlineAfter ?? '3s', 'offlineAfter'),
    debounceMs: toMilliseconds(options.debounce ?? '100ms', 'debounce'),
    reconcileMs,
  };
  return { options, settings };
}
