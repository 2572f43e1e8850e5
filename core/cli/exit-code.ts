/** What a process answers to whoever started it. */
export const EXIT = {
  /** It ended as it was asked to. */
  ok: 0,
  /** It could not start, or had to stop. */
  failed: 1,
  /** It was not understood. */
  usage: 2,
} as const;
