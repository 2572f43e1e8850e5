import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fromMessage, type ResultMessage, type SeedResult, type SeedTask } from './seed-result.js';

/** Somebody who runs seeds, one at a time. */
export interface SeedRunner {
  /** Never rejects for what a seed does: that its process dies, or comes to no end, is a result. */
  run(task: SeedTask): Promise<SeedResult>;
  close(): Promise<void>;
}

export interface SeedProcessOptions {
  /** The module that the process runs: it answers every {@link SeedTask} with a {@link ResultMessage}. */
  readonly modulePath: string;
  /** Seeds after which a fresh process takes over, so that what one left behind does not add up. */
  readonly seedsPerProcess: number;
  /** Real milliseconds after which a seed counts as one that does not end. */
  readonly patienceMs: number;
}

export const SEED_PROCESS: Omit<SeedProcessOptions, 'modulePath'> = { seedsPerProcess: 300, patienceMs: 300_000 };

const COMPLAINT_CHARACTERS_MAX = 4_000;

/** Runs seeds in a process of their own, so that one that dies or hangs is found out, and takes no other with it. */
export class SeedProcess implements SeedRunner {
  readonly #options: SeedProcessOptions;
  #child: ChildProcess | undefined;
  #seedCount = 0;
  #complaint = '';

  constructor(options: SeedProcessOptions) {
    this.#options = options;
  }

  async run(task: SeedTask): Promise<SeedResult> {
    if (this.#seedCount >= this.#options.seedsPerProcess) await this.close();
    this.#child ??= this.#start();
    this.#seedCount += 1;
    const outcome = await this.#answer(this.#child, task);
    if (typeof outcome !== 'string') return fromMessage(outcome);
    await this.close();
    return failedOutside(task, outcome);
  }

  async close(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    this.#seedCount = 0;
    this.#complaint = '';
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  #start(): ChildProcess {
    const child = fork(this.#options.modulePath, [], { stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#complaint = (this.#complaint + text).slice(-COMPLAINT_CHARACTERS_MAX);
    });
    return child;
  }

  /** @returns the result, or why there is none */
  #answer(child: ChildProcess, task: SeedTask): Promise<ResultMessage | string> {
    return new Promise((resolve) => {
      const settle = (outcome: ResultMessage | string) => {
        clearTimeout(timer);
        child.off('message', settle).off('close', onClose).off('error', onError);
        resolve(outcome);
      };
      const onClose = (code: number | null, signal: string | null) =>
        settle(`the process that ran it ended with ${signal ?? code}:\n${this.#complaint}`);
      const onError = (error: Error) => settle(`the process that ran it failed: ${error.message}`);
      const { patienceMs } = this.#options;
      const timer = setTimeout(() => settle(`it came to no end within ${patienceMs} ms of real time`), patienceMs);
      child.on('message', settle).on('close', onClose).on('error', onError);
      child.send(task);
    });
  }
}

/** The result of a seed that did not live to give one. */
function failedOutside({ seed, faults = [], options }: SeedTask, what: string): SeedResult {
  return {
    seed,
    violation: { what, simulatedMs: 0 },
    traceHash: '',
    events: 0,
    simulatedMs: 0,
    effects: new Map(),
    effective: new Map(),
    reached: new Set(),
    ...(options && { options }),
    faults,
    lastEvents: [],
    operations: 0,
  };
}
