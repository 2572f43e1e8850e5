/**
 * A line of waiters under one name: a key for each, `name/` and its lease in hexadecimal digits, in the order of
 * creation. The first is the holder. etcdctl's locks and elections, etcd's Lock service and our recipes have the same.
 *
 * @remarks Source: etcd's `client/v3/concurrency`.
 */
import { prefix } from '../../../base/key-range.js';
import { toRangeFields } from '../../../rpc/convert-requests.js';
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  KVService,
  type RangeRequest,
  RangeRequest_SortOrder as SortOrder,
  RangeRequest_SortTarget as SortTarget,
  type RangeResponse,
  type TxnRequest,
} from '../../../rpc/gen/kv.js';
import { Event_EventType, type KeyValue } from '../../../rpc/gen/mvcc.js';
import { KeyWatch, PLAIN_WATCH } from '../../asking/key-watch.js';
import type { MemberClient } from '../../asking/member-client.js';
import { patiently } from '../../asking/patience.js';
import { plainRange, putRequest } from '../keys/requests.js';
import { type KeptLease, LeaseLostError } from './kept-lease.js';

/** Our own place. */
export class PlaceInLine {
  readonly #client: MemberClient;
  readonly #line: Buffer;
  readonly #lost: AbortSignal;

  private constructor(
    client: MemberClient,
    name: string,
    { lost }: KeptLease,
    readonly key: Buffer,
    /** Its create revision, which grows from holder to holder. */
    readonly revision: number,
  ) {
    this.#client = client;
    this.#line = lineOf(name);
    this.#lost = lost;
  }

  /**
   * Takes a place at the end of the line. Asking again with the same lease finds the place that was taken before.
   *
   * @param signal - ends it
   * @throws {@link CallError} if it is refused; the signal's reason
   */
  static async take(
    client: MemberClient,
    name: string,
    value: string,
    lease: KeptLease,
    signal: AbortSignal,
  ): Promise<PlaceInLine> {
    const key = Buffer.concat([lineOf(name), Buffer.from(lease.id.toString(16))]);
    const put = putRequest('', Buffer.from(value), {});
    const own = plainRange({ key });
    const request: TxnRequest = {
      compare: [
        {
          ...{ key, rangeEnd: Buffer.alloc(0), result: Compare_CompareResult.EQUAL },
          target: Compare_CompareTarget.CREATE,
          targetUnion: { $case: 'createRevision', createRevision: 0n },
        },
      ],
      success: [{ request: { $case: 'requestPut', requestPut: { ...put, key, lease: lease.id } } }],
      failure: [{ request: { $case: 'requestRange', requestRange: own } }],
    };
    const { header, succeeded, responses } = await patiently(signal, () => client.ask(KVService.txn, request));
    const found = responses[0]?.response;
    const earlier = found?.$case === 'responseRange' ? found.responseRange.kvs[0] : undefined;
    const revision = succeeded ? header?.revision : earlier?.createRevision;
    return new PlaceInLine(client, name, lease, key, revision ?? 0);
  }

  /**
   * Waits until all who came before have left.
   *
   * @param signal - ends the waiting
   * @returns the key as it is then: proof that the place was not lost meanwhile
   * @throws {@link LeaseLostError} if it was; the signal's reason
   */
  async first(signal: AbortSignal): Promise<RangeResponse> {
    for (;;) {
      const before = await this.#range(signal, {
        ...{ key: this.#line, rangeEnd: toRangeFields(prefix(this.#line)).rangeEnd, keysOnly: true, limit: 1n },
        ...{ sortTarget: SortTarget.CREATE, sortOrder: SortOrder.DESCEND },
        maxCreateRevision: BigInt(this.revision - 1),
      });
      const predecessor = before.kvs[0];
      if (predecessor === undefined) break;
      await this.#untilGone(predecessor.key, BigInt((before.header?.revision ?? 0) + 1), signal);
    }
    const own = await this.#range(signal, { key: this.key });
    if (own.kvs[0]?.createRevision !== this.revision) throw new LeaseLostError();
    return own;
  }

  /** Waits until the place is lost though its lease may live: until somebody deletes its key. */
  async gone(since: RangeResponse, signal: AbortSignal): Promise<void> {
    await this.#untilGone(this.key, BigInt((since.header?.revision ?? 0) + 1), signal);
  }

  async #untilGone(key: Buffer, startRevision: bigint, signal: AbortSignal): Promise<void> {
    const watch = new KeyWatch(this.#client, { ...PLAIN_WATCH, key, startRevision }, signal);
    for await (const { events, canceled } of watch.responses()) {
      // A watch that the server ended, as one of compacted history, leaves it to the next look.
      if (canceled || events.some(({ type }) => type === Event_EventType.DELETE)) return;
    }
    signal.throwIfAborted();
    this.#lost.throwIfAborted();
  }

  #range(signal: AbortSignal, fields: Partial<RangeRequest>): Promise<RangeResponse> {
    return patiently(signal, () => this.#client.ask(KVService.range, plainRange(fields)));
  }
}

/** Tells who is first in a line, whenever that changes, until the signal aborts. */
export async function* holders(
  client: MemberClient,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<RangeResponse, void, undefined> {
  const line = lineOf(name);
  const { rangeEnd } = toRangeFields(prefix(line));
  const first = { key: line, rangeEnd, limit: 1n, sortTarget: SortTarget.CREATE, sortOrder: SortOrder.ASCEND };
  for (;;) {
    const { header, kvs } = await patiently(signal, () => client.ask(KVService.range, plainRange(first)));
    const holder = kvs[0];
    const startRevision = BigInt((header?.revision ?? 0) + 1);
    if (holder === undefined) {
      // Nobody: until somebody comes.
      const coming = new KeyWatch(client, { ...PLAIN_WATCH, key: line, rangeEnd, startRevision }, signal);
      for await (const { events, canceled } of coming.responses()) if (canceled || events.length > 0) break;
    } else {
      yield { header, kvs: [holder], more: false, count: 0 };
      yield* changesOf(client, holder, startRevision, signal);
    }
    if (signal.aborted) return;
  }
}

/** What a holder says anew, until it leaves. */
async function* changesOf(
  client: MemberClient,
  { key }: KeyValue,
  startRevision: bigint,
  signal: AbortSignal,
): AsyncGenerator<RangeResponse, void, undefined> {
  const watch = new KeyWatch(client, { ...PLAIN_WATCH, key, startRevision }, signal);
  for await (const { header, events, canceled } of watch.responses()) {
    if (canceled) return;
    for (const { type, kv } of events) {
      if (type === Event_EventType.DELETE || kv === undefined) return;
      yield { header, kvs: [kv], more: false, count: 0 };
    }
  }
}

function lineOf(name: string): Buffer {
  return Buffer.from(`${name}/`);
}
