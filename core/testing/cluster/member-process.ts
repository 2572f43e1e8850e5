import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { killWithUs } from './last-will.js';
import type { MemberProgram, MemberSpec } from './member-program.js';

const LOG_BYTES_MAX = 256 * 1024;
const END_MS = 10_000;

/** How one life of a member ended. */
export interface MemberEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a life may differ in from the one before. */
export interface LifeOptions {
  readonly state?: 'new' | 'existing';
  /** Instead of the flags it was made with. */
  readonly flags?: readonly string[];
  /** Beside the variables it was made with. */
  readonly env?: Readonly<Record<string, string>>;
}

/** One member as a process of its own, over all its lives: it keeps its name, ports and folder. */
export class MemberProcess {
  readonly spec: MemberSpec;
  readonly #program: MemberProgram;
  #child: ChildProcess | undefined;
  #ended: Promise<MemberEnd> = Promise.resolve({ code: null, signal: null });
  #log = '';
  #isPaused = false;

  constructor(program: MemberProgram, spec: MemberSpec) {
    this.#program = program;
    this.spec = spec;
  }

  get name(): string {
    return this.spec.name;
  }

  get clientUrl(): string {
    return this.spec.clientUrl;
  }

  get dataDir(): string {
    return this.spec.dataDir;
  }

  /** 0 while it does not run. */
  get pid(): number {
    return this.isRunning ? (this.#child?.pid ?? 0) : 0;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get isPaused(): boolean {
    return this.isRunning && this.#isPaused;
  }

  /** The latest of what it wrote, over all its lives; older text is let go. */
  get log(): string {
    return this.#log;
  }

  /** How its latest life ended, once it has. */
  get ended(): Promise<MemberEnd> {
    return this.#ended;
  }

  /** Starts it; whether it serves must be asked of itself. Does nothing while it runs. */
  start({ state, flags, env }: LifeOptions = {}): void {
    if (this.isRunning) return;
    const spec = { ...this.spec, ...(state && { state }), ...(flags && { flags }) };
    const { file, args } = this.#program.command(spec);
    const child = spawn(file, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...this.spec.env, ...env },
    });
    killWithUs(child);
    this.#isPaused = false;
    this.#note(`--- ${this.name} starts as process ${child.pid}\n`);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (bytes: Buffer) => this.#note(bytes.toString()));
    }
    child.on('error', (error) => this.#note(`--- ${this.name} could not be started: ${error.message}\n`));
    this.#child = child;
    this.#ended = once(child, 'close').then(
      ([code, signal]) => {
        this.#note(`--- ${this.name} ended with ${code ?? signal}\n`);
        return { code: code as number | null, signal: signal as NodeJS.Signals | null };
      },
      () => ({ code: null, signal: null }),
    );
  }

  /** Kills it without warning, as a power cut would but for what the kernel holds. */
  async kill(): Promise<MemberEnd> {
    if (this.isRunning) this.#child?.kill('SIGKILL');
    return this.#ended;
  }

  /** Asks it to end, and kills it if it has not within ten seconds. */
  async end(): Promise<MemberEnd> {
    if (!this.isRunning) return this.#ended;
    this.resume();
    this.#child?.kill('SIGTERM');
    const patience = setTimeout(() => void this.kill(), END_MS);
    try {
      return await this.#ended;
    } finally {
      clearTimeout(patience);
    }
  }

  /** Freezes it: its connections stay open and nothing answers. */
  pause(): void {
    if (!this.isRunning) return;
    this.#isPaused = true;
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    if (!this.isRunning) return;
    this.#isPaused = false;
    this.#child?.kill('SIGCONT');
  }

  /** Takes its disk away. It must not run. */
  async wipe(): Promise<void> {
    if (this.isRunning) throw new Error(`${this.name} runs: what it holds open would stay`);
    await rm(this.dataDir, { recursive: true, force: true });
  }

  #note(text: string): void {
    const log = this.#log + text;
    this.#log = log.length > LOG_BYTES_MAX ? log.slice(-LOG_BYTES_MAX / 2) : log;
  }
}
