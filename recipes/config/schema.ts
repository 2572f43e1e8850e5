import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type ConfigIssue, InvalidConfigError } from './errors.js';
import { deepFreeze, jsonIssues } from './document.js';

/**
 * What the schema makes of a document, frozen.
 *
 * @throws {@link InvalidConfigError} naming each path that is wrong
 */
export async function validated<S extends StandardSchemaV1>(
  config: string,
  schema: S,
  document: unknown,
): Promise<Readonly<StandardSchemaV1.InferOutput<S>>> {
  const result = await check(config, schema, document);
  if (result.issues) throw new InvalidConfigError(config, result.issues.map(toIssue));
  return deepFreeze(result.value as StandardSchemaV1.InferOutput<S>);
}

/** @throws {@link InvalidConfigError} if JSON would not bring it back as it is */
export function assertJson(config: string, document: unknown): void {
  const issues = jsonIssues(document);
  if (issues.length > 0) throw new InvalidConfigError(config, issues);
}

/** A schema that throws instead of answering says the same: the document is not accepted. */
async function check(config: string, schema: StandardSchemaV1, document: unknown) {
  try {
    // A copy: a schema may keep, or even change, what it is given.
    return await schema['~standard'].validate(structuredClone(document));
  } catch (cause) {
    throw new InvalidConfigError(config, [{ path: '', message: `the schema threw: ${String(cause)}` }], { cause });
  }
}

function toIssue({ path = [], message }: StandardSchemaV1.Issue): ConfigIssue {
  const names = path.map((part) => String(typeof part === 'object' ? part.key : part));
  return { path: names.join('.'), message };
}
