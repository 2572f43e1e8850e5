import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Clock } from '../../core/base/clock.js';
import { abortable, bounded } from '../wait.js';
import { deepFreeze, jsonIssues } from './document.js';
import { type ConfigIssue, InvalidConfigError } from './errors.js';

/** What a schema takes: what is published. */
export type Input<S extends StandardSchemaV1> = StandardSchemaV1.InferInput<S>;

/** What a schema makes of a document. */
export type Output<S extends StandardSchemaV1> = Readonly<StandardSchemaV1.InferOutput<S>>;

/** A schema that has not answered after so long has answered no: the documents that follow must not wait for it. */
const ANSWER_MAX_MS = 30_000;

/**
 * What the schema makes of a document, frozen.
 *
 * @throws {@link InvalidConfigError} naming each path that is wrong
 */
export async function validated<S extends StandardSchemaV1>(
  clock: Clock,
  config: string,
  schema: S,
  document: unknown,
): Promise<Output<S>> {
  const result = await check(clock, config, schema, document);
  if (result.issues) throw new InvalidConfigError(config, result.issues.map(toIssue));
  return deepFreeze(result.value as StandardSchemaV1.InferOutput<S>);
}

/** @throws {@link InvalidConfigError} naming each path at which JSON would not bring the document back as it is */
export function assertJson(config: string, document: unknown): void {
  const issues = jsonIssues(document);
  if (issues.length > 0) throw new InvalidConfigError(config, issues);
}

/** A schema that throws, or says nothing, says the same: the document is not accepted. */
async function check(
  clock: Clock,
  config: string,
  schema: StandardSchemaV1,
  document: unknown,
): Promise<StandardSchemaV1.Result<unknown>> {
  try {
    return await bounded(clock, 'the schema', { timeout: ANSWER_MAX_MS }, async (signal) =>
      // A copy: a schema may keep, or even change, what it is given.
      abortable(Promise.resolve(schema['~standard'].validate(structuredClone(document))), signal),
    );
  } catch (cause) {
    throw new InvalidConfigError(config, [{ path: '', message: `the schema failed: ${String(cause)}` }], { cause });
  }
}

function toIssue({ path = [], message }: StandardSchemaV1.Issue): ConfigIssue {
  const names = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return { path: names.join('.'), message };
}
