import type { Event } from '../base/key-value.js';

/** What an event's numbers and lengths take on the wire, at most. */
const EVENT_OVERHEAD_BYTES = 96;

/** The events of one message. */
export interface Fragment {
  readonly events: readonly Event[];
  /** More events of the same revision follow in the next message. */
  readonly isFragment: boolean;
  readonly bytes: number;
}

/**
 * Cuts events into messages of less than `bytesMax`, or of one event. A message ends between two revisions wherever
 * that suffices; within one, only if the client can put fragments together.
 *
 * For example with room for two events: revisions 5, 5, 6, 7, 7, 7 become [5, 5] [6] [7, 7 …] [7].
 */
export function cutIntoFragments(events: readonly Event[], bytesMax: number, mayFragment: boolean): Fragment[] {
  const fragments: Fragment[] = [];
  let start = 0;
  while (start < events.length) {
    const { end, bytes } = fitting(events, start, bytesMax, mayFragment);
    const isFragment = events[end]?.kv.modRevision === events[end - 1]?.kv.modRevision;
    fragments.push({
      events: start === 0 && end === events.length ? events : events.slice(start, end),
      isFragment,
      bytes,
    });
    start = end;
  }
  return fragments;
}

/** How far a message that begins at `start` can reach. */
function fitting(events: readonly Event[], start: number, bytesMax: number, mayFragment: boolean) {
  let bytes = 0;
  let whole: { end: number; bytes: number } | undefined;
  for (let end = start; end < events.length; end += 1) {
    const event = events[end] as Event;
    const isBoundary = end > start && event.kv.modRevision !== (events[end - 1] as Event).kv.modRevision;
    if (isBoundary) whole = { end, bytes };
    const size = bytesOf(event);
    if (bytes + size >= bytesMax && end > start) {
      if (whole) return whole;
      if (mayFragment) return { end, bytes };
    }
    bytes += size;
  }
  return { end: events.length, bytes };
}

function bytesOf({ kv, previous }: Event): number {
  const bytes = EVENT_OVERHEAD_BYTES + kv.key.length + kv.value.length;
  return previous ? bytes + EVENT_OVERHEAD_BYTES + previous.key.length + previous.value.length : bytes;
}
