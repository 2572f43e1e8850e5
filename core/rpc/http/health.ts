import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AlarmKind } from '../../base/alarm.js';
import { hasCode } from '../../base/errors.js';
import type { RangeRequest } from '../../base/operation.js';
import { toWireError } from '../errors.js';
import { answer, answerError, answerReadOnly } from './plain-answers.js';

/** What health is read from: a member that trusts whoever asks. */
export interface HealthPort {
  readonly leader: bigint | undefined;
  readonly isLearner: boolean;
  /** Alarms that are raised, anywhere in the cluster. */
  alarms(): readonly AlarmKind[];
  range(request: RangeRequest): Promise<unknown>;
}

/** Told of every check, for metrics. */
export interface HealthObserver {
  /** `/health` was answered. */
  health(isHealthy: boolean): void;
  /** One check of `/livez` or `/readyz` was made. */
  check(type: string, name: string, isPassed: boolean): void;
}

type Check = (port: HealthPort) => Promise<string | undefined>;

/** One key at most, and no values: whether a read is answered is all that counts. */
const PROBE = { type: 'range', key: Buffer.of(0), limit: 1, keysOnly: true } as const;

const CHECKS: Readonly<Record<string, Check>> = {
  data_corruption: async (port) => (port.alarms().includes('CORRUPT') ? 'alarm activated: CORRUPT' : undefined),
  serializable_read: (port) => readFailure(port, true),
  linearizable_read: (port) => readFailure(port, false),
  non_learner: async (port) => (port.isLearner ? 'not supported for learner' : undefined),
};

/** The checks behind each path, in the order in which they are told. */
const PROBES: ReadonlyMap<string, readonly string[]> = new Map([
  ['/livez', ['serializable_read']],
  ['/readyz', ['data_corruption', 'serializable_read', 'linearizable_read', 'non_learner']],
]);

/** `/health`, `/livez`, `/readyz` and the single checks below these two, as etcd 3.6 answers them. */
export class Health {
  readonly #port: HealthPort;
  readonly #observer: HealthObserver | undefined;

  constructor(port: HealthPort, observer?: HealthObserver) {
    this.#port = port;
    this.#observer = observer;
  }

  has(path: string): boolean {
    return path === '/health' || checksOf(path) !== undefined;
  }

  /** Answers a request for a path that it has. */
  handle({ pathname, searchParams }: URL, request: IncomingMessage, response: ServerResponse): void {
    if (request.method !== 'GET') return answerReadOnly(response);
    const excluded = new Set(searchParams.getAll('exclude'));
    const answered =
      pathname === '/health'
        ? this.#health(excluded, searchParams.get('serializable') === 'true', response)
        : this.#probe(pathname, excluded, searchParams.has('verbose'), response);
    answered.catch((error: unknown) => answerError(response, 500, toWireError(error).text));
  }

  async #health(excluded: ReadonlySet<string>, isSerializable: boolean, response: ServerResponse): Promise<void> {
    const reason = await this.#illness(excluded, isSerializable);
    this.#observer?.health(reason === '');
    const text = JSON.stringify({ health: String(reason === ''), reason });
    if (reason === '') answer(response, 200, text, { 'content-type': 'text/plain; charset=utf-8' });
    else answerError(response, 503, text);
  }

  async #illness(excluded: ReadonlySet<string>, isSerializable: boolean): Promise<string> {
    const alarm = this.#port.alarms().find((each) => !excluded.has(each));
    if (alarm !== undefined) return `ALARM ${alarm}`;
    if (!isSerializable && this.#port.leader === undefined) return 'RAFT NO LEADER';
    const failure = await readFailure(this.#port, isSerializable);
    return failure === undefined ? '' : `RANGE ERROR:${failure}`;
  }

  async #probe(
    path: string,
    excluded: ReadonlySet<string>,
    isVerbose: boolean,
    response: ServerResponse,
  ): Promise<void> {
    const { type, names, isSingle } = checksOf(path) as Checks;
    const lines: string[] = [];
    let isHealthy = true;
    for (const name of names) {
      if (!isSingle && excluded.has(name)) continue;
      const failure = await (CHECKS[name] as Check)(this.#port);
      this.#observer?.check(type, name, failure === undefined);
      if (failure !== undefined) isHealthy = false;
      lines.push(failure === undefined ? `[+]${name} ok\n` : `[-]${name} failed: ${failure}\n`);
    }
    if (isHealthy) answer(response, 200, `${isVerbose ? lines.join('') : ''}ok\n`);
    else answerError(response, 503, lines.join(''));
  }
}

interface Checks {
  readonly type: string;
  readonly names: readonly string[];
  /** One check was asked for by its own path. */
  readonly isSingle: boolean;
}

function checksOf(path: string): Checks | undefined {
  const [, type = '', name, ...more] = path.split('/');
  const names = PROBES.get(`/${type}`);
  if (names === undefined || more.length > 0) return undefined;
  if (name === undefined) return { type, names, isSingle: false };
  return names.includes(name) ? { type, names: [name], isSingle: true } : undefined;
}

async function readFailure(port: HealthPort, serializable: boolean): Promise<string | undefined> {
  try {
    await port.range({ ...PROBE, serializable });
    return undefined;
  } catch (error) {
    // Whoever counts reads counts those that could be answered.
    if (hasCode(error, 'RATE_LIMITED')) return undefined;
    return toWireError(error).text;
  }
}
