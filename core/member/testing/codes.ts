/** The codes of what failed; `undefined` for what did not. */
export function codesOf(results: readonly PromiseSettledResult<unknown>[]): (string | undefined)[] {
  return results.map((result) =>
    result.status === 'rejected' ? (result.reason as { readonly code?: string }).code : undefined,
  );
}

/** The code of an error. */
export function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown }).code);
}
