import { toText } from '../../../base/bytes.js';
import { hasCode } from '../../../base/errors.js';
import type { Store } from '../../../store.js';
import { ConfigWatcher } from '../../../../recipes/config/config-watcher.js';
import type { Chronicle } from '../invariants/chronicle.js';
import { chance, keepAtIt, restUpTo, type Surroundings } from './surroundings.js';

const NAME = 'settings';
const PUBLISH_MS_MAX = 4_000;
const WITHIN_MS = 15_000;
const CURRENT = `conclave/cfg/${NAME}/current`;
const RELEASES = `conclave/cfg/${NAME}/rel/`;

interface Document {
  readonly by: string;
}

/** Anything is a document. */
const schema = {
  '~standard': { version: 1, vendor: 'simulation', validate: (value: unknown) => ({ value: value as Document }) },
} as const;

/** Every release that was published, by its number, as the store has it: each once, one after the other. */
export class Releases {
  readonly #publishers = new Map<number, string>();
  #current = 0;

  constructor(chronicle: Chronicle, report: (what: string) => void) {
    chronicle.listen({
      revision: (_, events) => {
        for (const { type, kv } of events) {
          const key = toText(kv.key);
          if (type === 'put' && key.startsWith(RELEASES))
            this.#published(Number(key.slice(RELEASES.length)), kv, report);
          if (type === 'put' && key === CURRENT) this.#pointed(Number(toText(kv.value)), report);
        }
      },
    });
  }

  /** The release in force. */
  get current(): number {
    return this.#current;
  }

  /** @returns what is wrong with a release as somebody sees it */
  wrongIn(release: number, { by }: Document): string | undefined {
    const right = this.#publishers.get(release);
    return right === by ? undefined : `release ${release} is said to be by ${by}, and is by ${right}`;
  }

  #published(
    release: number,
    { value, version }: { value: Uint8Array; version: number },
    report: (what: string) => void,
  ): void {
    if (version !== 1) report(`release ${release} was written over`);
    const { document } = JSON.parse(toText(value)) as { readonly document: Document };
    this.#publishers.set(release, document.by);
  }

  #pointed(release: number, report: (what: string) => void): void {
    if (release !== this.#current + 1) report(`release ${release} came into force after ${this.#current}`);
    this.#current = release;
  }
}

/** Publishes now and then, and follows what is published: releases come in order, each as it was published. */
export async function configUser(releases: Releases, surroundings: Surroundings): Promise<void> {
  const { name, store, signal } = surroundings;
  const config = new ConfigWatcher(store, { name: NAME, schema, initial: { by: 'initial' }, reconcile: 5_000 });
  const following = follow(config, releases, surroundings);
  let n = 0;
  await keepAtIt(surroundings, name, async () => {
    await config.ready({ timeout: WITHIN_MS, signal });
    while (!signal.aborted) {
      await restUpTo(surroundings, PUBLISH_MS_MAX);
      const document = { by: `${name}.${(n += 1)}` };
      if (chance(surroundings, 0.5)) await publish(config, document, releases, surroundings);
    }
  });
  await config.dispose();
  await following;
}

async function publish(
  config: ConfigWatcher<typeof schema>,
  document: Document,
  releases: Releases,
  surroundings: Surroundings,
): Promise<void> {
  const { signal, store, verdict, name, count } = surroundings;
  const startedMs = surroundings.nowMs();
  const ifRelease = chance(surroundings, 0.5) ? config.release : undefined;
  try {
    const options = { timeout: WITHIN_MS, signal, ...(ifRelease !== undefined && { ifRelease }) };
    const { release } = await config.publish(document, options);
    count('release published');
    const wrong = releases.wrongIn(release, document);
    if (wrong !== undefined) verdict.violation(`${name}: ${wrong}`);
    if (ifRelease !== undefined && release !== ifRelease + 1)
      verdict.violation(`${name}: release ${release} was to follow ${ifRelease}`);
    // Who calls it off, or has no time left, knows only that it is published.
    const isCalledOff = signal.aborted || surroundings.nowMs() - startedMs > WITHIN_MS / 2;
    const inForce = config.release;
    if (inForce >= release || isCalledOff) return;
    if (!(await hasEnded(store))) verdict.violation(`${name}: ${release} is published, and ${inForce} in force`);
  } catch (error) {
    if (!hasCode(error, 'CONFIG_CONFLICT')) throw error;
    count('release refused');
  }
}

/** Whether a store never answers any more, as that of a member that is just stopping. */
async function hasEnded(store: Store): Promise<boolean> {
  const error = await store.get(CURRENT).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return hasCode(error, 'CLOSED') || hasCode(error, 'MEMBER_STOPPED');
}

async function follow(
  config: ConfigWatcher<typeof schema>,
  releases: Releases,
  { name, verdict, count }: Surroundings,
): Promise<void> {
  let latest = 0;
  for await (const { release, current } of config.changes()) {
    count('release followed');
    if (release <= latest) verdict.violation(`${name}: release ${release} came after ${latest}`);
    latest = release;
    const wrong = releases.wrongIn(release, current as Document);
    if (wrong !== undefined) verdict.violation(`${name}: ${wrong}`);
  }
}
