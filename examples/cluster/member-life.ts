import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const RESTART_MS = 1_500;
const END_MS = 5_000;

/** What a member tells of itself. */
export interface Report {
  readonly isLeader: boolean;
  readonly hasLeader: boolean;
  readonly term: number;
  readonly raftIndex: number;
  readonly appliedIndex: number;
}

/** What a member is started with. */
export interface MemberPlace {
  readonly name: string;
  readonly dataDir: string;
  readonly clientUrl: string;
  /** Where each of the members listens for the others. */
  readonly peers: Readonly<Record<string, string>>;
}

/** A member over all its lives: it is started again, after a moment, whenever somebody has killed it. */
export class MemberLife {
  readonly place: MemberPlace;
  /** Told of each change, in words. */
  readonly #say: (what: string) => void;
  #process: ChildProcess | undefined;
  #report: Report | undefined;
  #restart: NodeJS.Timeout | undefined;
  #isEnding = false;
  /** How often it had to be started again. */
  restartCount = 0;

  constructor(place: MemberPlace, say: (what: string) => void) {
    this.place = place;
    this.#say = say;
    this.#start();
  }

  /** 0 while it does not run. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** What it told last; undefined while it is down or opens its folder. */
  get report(): Report | undefined {
    return this.#report;
  }

  /** Ends it in good order, or, if that takes too long, at once. */
  async end(): Promise<void> {
    this.#isEnding = true;
    clearTimeout(this.#restart);
    const child = this.#process;
    if (!child) return;
    const exited = once(child, 'exit');
    child.kill('SIGCONT');
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), END_MS);
    await exited;
    clearTimeout(patience);
  }

  #start(): void {
    const { name, dataDir, clientUrl, peers } = this.place;
    const program = fileURLToPath(new URL('./member.js', import.meta.url));
    const child = fork(program, [name, dataDir, clientUrl, JSON.stringify(peers)]);
    this.#process = child;
    this.#say(`${name} is process ${child.pid}`);
    child.on('message', (report) => (this.#report = report as Report));
    child.once('exit', (code, signal) => {
      this.#process = undefined;
      this.#report = undefined;
      if (this.#isEnding) return;
      this.#say(`${name} ended (${signal ?? code}); it is started again in ${RESTART_MS / 1_000} s`);
      this.#restart = setTimeout(() => this.#startAgain(), RESTART_MS);
    });
  }

  #startAgain(): void {
    this.restartCount += 1;
    this.#start();
  }
}
