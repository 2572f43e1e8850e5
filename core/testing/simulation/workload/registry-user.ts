import { toText } from '../../../base/bytes.js';
import { prefix } from '../../../base/key-range.js';
import { between } from '../../../base/prng.js';
import { ServiceRegistry } from '../../../../recipes/registry/service-registry.js';
import type { ServiceView } from '../../../../recipes/registry/service-view.js';
import type { Chronicle } from '../invariants/chronicle.js';
import { chance, keepAtIt, rest, restUpTo, type Surroundings } from './surroundings.js';

const SERVICE = 'shop';
const INSTANCES = prefix(`conclave/svc/${SERVICE}/`);
const TTL_MS = 3_000;
const STAY_MS_MAX = 6_000;
const LOOK_MS_MAX = 1_000;
const READY_MS = 15_000;

type Counted = { readonly n: number };

/** Registers an instance, updates it, goes away in order, and comes back. */
export async function registrant(surroundings: Surroundings): Promise<void> {
  const { name, store, prng, signal, count } = surroundings;
  const registry = new ServiceRegistry<Counted>(store, { ttl: TTL_MS });
  let n = 0;
  await keepAtIt(surroundings, name, async () => {
    const instance = { service: SERVICE, id: name, address: 'host', metadata: { n: (n += 1) } };
    const registration = await registry.register(instance, { timeout: READY_MS, signal });
    count('instance registered');
    for (let left = between(prng, 0, 3); left > 0; left -= 1) {
      await restUpTo(surroundings, STAY_MS_MAX / 2);
      await registration.update({ metadata: { n: (n += 1) } }, { timeout: READY_MS, signal });
      count('instance updated');
    }
    if (chance(surroundings, 0.3)) await registry.drain(SERVICE, name, { signal });
    if (chance(surroundings, 0.5)) await registration.unregister();
    await restUpTo(surroundings, STAY_MS_MAX);
    await registration.unregister();
  });
  await registry.dispose();
}

/** Follows the instances: what it sees is what the store had, at the revision that it tells or later; it never steps back. */
export async function viewer(surroundings: Surroundings): Promise<void> {
  const { name, store, verdict, signal, count } = surroundings;
  const registry = new ServiceRegistry<Counted>(store, { ttl: TTL_MS });
  const view = registry.service(SERVICE);
  let latest = 0;
  await keepAtIt(surroundings, name, async () => {
    await view.ready({ timeout: READY_MS, signal });
    while (!signal.aborted) {
      const wrong = wrongIn(view, latest, surroundings);
      if (wrong !== undefined) verdict.violation(`${name}: ${wrong}`);
      latest = view.revision;
      count('view of instances');
      await rest(surroundings, between(surroundings.prng, 1, LOOK_MS_MAX));
    }
  });
  await registry.dispose();
}

function instancesAt(revision: number, chronicle: Chronicle): string {
  const instances = chronicle.rangeAt(INSTANCES, revision).map(({ key, value }) => {
    const { metadata } = JSON.parse(toText(value)) as { readonly metadata: Counted };
    return `${toText(key).slice(INSTANCES.key.length)} ${metadata.n}`;
  });
  return instances.join(', ');
}

function wrongIn(view: ServiceView<Counted>, latest: number, { chronicle }: Surroundings): string | undefined {
  const { revision } = view;
  if (revision < latest) return `the view went back from revision ${latest} to ${revision}`;
  const shown = view
    .all()
    .map(({ id, metadata: { n } }) => `${id} ${n}`)
    .join(', ');
  const later = chronicle.eventsBetween(INSTANCES, revision + 1, chronicle.revision).map(({ kv }) => kv.modRevision);
  const isTrue = [revision, ...later].some((at) => shown === instancesAt(at, chronicle));
  if (isTrue) return undefined;
  return `at revision ${revision} it shows ${shown || 'nobody'}, and there was ${instancesAt(revision, chronicle) || 'nobody'}`;
}
