import { Worker } from 'node:worker_threads';

const LOOK_MS = 500;

/** What a thread posts: as many things as it likes, and its answer, which ends it. */
export type ThreadMessage<Told, Answer> = { readonly told: Told } | { readonly answer: Answer };

/** What came of a thread. */
export type ThreadEnd<Answer> =
  | { readonly answer: Answer }
  | {
      /** Why there is no answer. */
      readonly why: string;
      readonly hangs: boolean;
    };

export interface ThreadOptions<Told> {
  /** What it runs: it posts {@link ThreadMessage}s. */
  readonly module: URL;
  /** What it finds as its `workerData`. */
  readonly order: unknown;
  /** Shared with it. A thread that lets the first number be for longer than `hangMs` hangs. */
  readonly progress: Int32Array;
  readonly hangMs: number;
  /** Of its heap. Default: as Node has it. */
  readonly heapMib?: number;
  readonly onTold?: (told: Told) => void;
}

/** Runs a thread, which may hang, run out of memory or end: what nobody could notice, or survive, in the same thread. */
export function runThread<Told, Answer>(options: ThreadOptions<Told>): Promise<ThreadEnd<Answer>> {
  const { module, order, progress, hangMs, heapMib, onTold } = options;
  const worker = new Worker(module, {
    workerData: order,
    ...(heapMib !== undefined && { resourceLimits: { maxOldGenerationSizeMb: heapMib } }),
  });
  return new Promise((resolve) => {
    let seen = { number: Atomics.load(progress, 0), sinceMs: performance.now() };
    const look = setInterval(() => {
      const number = Atomics.load(progress, 0);
      const nowMs = performance.now();
      if (number !== seen.number) seen = { number, sinceMs: nowMs };
      else if (nowMs - seen.sinceMs > hangMs) fail(`it hangs: ${hangMs} ms have passed`, true);
    }, LOOK_MS);
    let isSettled = false;
    const settle = (end: ThreadEnd<Answer>) => {
      if (isSettled) return;
      isSettled = true;
      clearInterval(look);
      void worker.terminate().then(() => resolve(end));
    };
    const fail = (why: string, hangs = false) => settle({ why, hangs });
    worker.on('online', () => (seen = { ...seen, sinceMs: performance.now() }));
    worker.on('message', (message: ThreadMessage<Told, Answer>) => {
      if ('answer' in message) settle(message);
      else if (!isSettled) onTold?.(message.told);
    });
    worker.on('error', (error) => fail(`it brought its thread down: ${error.stack ?? error.message}`));
    worker.on('exit', (code) => fail(`it ended its thread with ${code}`));
  });
}
