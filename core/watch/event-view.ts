import type { Event } from '../base/key-value.js';
import type { WatchSource } from './watch-source.js';

/** How a watcher wants to see the events of its range. */
export interface EventView {
  /** Whether each event carries the key as it was before. */
  readonly previous: boolean;
  /** Absent: events of both types. */
  readonly only: Event['type'] | undefined;
}

/** The events of one revision as a watcher wants to see them. Where nothing is to be changed, the same array. */
export function viewEvents(
  events: readonly Event[],
  view: EventView,
  source: Pick<WatchSource, 'previous'>,
): readonly Event[] {
  const { only } = view;
  const wanted =
    only === undefined || events.every((event) => event.type === only)
      ? events
      : events.filter((event) => event.type === only);
  if (view.previous) return wanted.map((event) => withPrevious(event, source));
  return wanted.some((event) => event.previous !== undefined) ? wanted.map(withoutPrevious) : wanted;
}

/** As it was before the whole revision, which is what etcd tells, and not before an earlier event of the same one. */
function withPrevious({ type, kv }: Event, source: Pick<WatchSource, 'previous'>): Event {
  const previous = source.previous(kv.key, kv.modRevision);
  return previous === undefined ? { type, kv } : { type, kv, previous };
}

function withoutPrevious({ type, kv }: Event): Event {
  return { type, kv };
}
