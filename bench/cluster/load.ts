/** Latencies kept of one run; past it every other one is left out, so that memory stays bounded. */
const KEPT_MAX = 200_000;

/** What one run of many callers came to. */
export interface LoadFigures {
  readonly perSecond: number;
  readonly calls: number;
  /** Milliseconds that calls took. */
  readonly times: readonly number[];
  /** Calls that failed; they are not among the others. */
  readonly failures: number;
}

/** Lets that many callers call, each one call after the other, until the time is over or the calls are used up. */
export async function load(
  callers: number,
  until: { readonly forMs: number; readonly callsMax?: number },
  call: (n: number) => Promise<unknown>,
): Promise<LoadFigures> {
  const startedMs = performance.now();
  const endMs = startedMs + until.forMs;
  const callsMax = until.callsMax ?? Infinity;
  const times: number[] = [];
  let [calls, failures, begun] = [0, 0, 0];
  const caller = async () => {
    for (let now = performance.now(); now < endMs && begun < callsMax; now = performance.now()) {
      begun += 1;
      try {
        await call(begun);
        calls += 1;
        if (times.length < KEPT_MAX) times.push(performance.now() - now);
        else times[Math.floor((calls * 7_919) % KEPT_MAX)] = performance.now() - now;
      } catch {
        failures += 1;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return { perSecond: calls / ((performance.now() - startedMs) / 1_000), calls, times, failures };
}
