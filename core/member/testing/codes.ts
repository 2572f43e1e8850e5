/** The codes of what failed; `undefined` for what did not. */
export function codesOf(results: readonly PromiseSettledResult<unknown>[]): (string | undefined)[] {
  return results.map((result) =>
    result.status === 'rejected' ? (result.reason as { readonly code?: string }).code : undefined,
  );
}
