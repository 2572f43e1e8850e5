import { WatchResponse } from '../../../rpc/gen/watch.js';
import { type Event, Event_EventType } from '../../../rpc/gen/mvcc.js';
import { toJson } from '../../print/go-json.js';
import type { Words } from '../../print/printer.js';
import { headerFields, headerJson } from '../header-words.js';
import { kvFields, kvLines } from '../keys/words.js';

/** What a watch is told. */
export const WATCH_WORDS: Words<WatchResponse> = {
  simple: ({ events }, style) =>
    events.flatMap((event) => [
      typeOf(event),
      ...(event.prevKv ? kvLines(event.prevKv, style) : []),
      ...(event.kv ? kvLines(event.kv, style) : []),
    ]),
  json: ({ header, events, compactRevision, canceled, created }) => ({
    Header: headerJson(header),
    Events: events.map((event) => toJson(event)),
    CompactRevision: compactRevision,
    Canceled: canceled,
    Created: created,
  }),
  fields: ({ header, events }) => [
    ...headerFields(header),
    ...events.flatMap((event) => [
      `"Type" : ${typeOf(event)}`,
      ...(event.prevKv ? kvFields(event.prevKv, 'Prev') : []),
      ...(event.kv ? kvFields(event.kv) : []),
    ]),
  ],
  protobuf: (response) => WatchResponse.encode(response),
};

/** `PUT` or `DELETE`. */
export function typeOf({ type }: Event): string {
  return type === Event_EventType.DELETE ? 'DELETE' : 'PUT';
}
