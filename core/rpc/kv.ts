import { fromDeleteMessage, fromPutMessage, fromRangeMessage, fromTxnMessage } from './convert-requests.js';
import { toDeleteResponse, toPutResponse, toRangeResponse, toTxnResponse } from './convert-results.js';
import type * as pb from './gen/kv.js';
import { fromInt64 } from './int64.js';
import { longRange, type LongRangePort } from './long-range.js';
import { headerOf, type KvPort } from './ports.js';

/** etcd's KV service over a member, whatever carries its messages. Each call throws what the member throws. */
export class KvService {
  readonly #port: KvPort & LongRangePort;

  constructor(port: KvPort & LongRangePort) {
    this.#port = port;
  }

  async range(request: pb.RangeRequest): Promise<pb.RangeResponse> {
    const result = await longRange(this.#port, fromRangeMessage(request));
    return toRangeResponse(result, headerOf(this.#port, result.revision));
  }

  async put(request: pb.PutRequest): Promise<pb.PutResponse> {
    const result = await this.#port.put(fromPutMessage(request));
    return toPutResponse(result, headerOf(this.#port, result.revision));
  }

  async deleteRange(request: pb.DeleteRangeRequest): Promise<pb.DeleteRangeResponse> {
    const result = await this.#port.delete(fromDeleteMessage(request));
    return toDeleteResponse(result, headerOf(this.#port, result.revision));
  }

  async txn(request: pb.TxnRequest): Promise<pb.TxnResponse> {
    const result = await this.#port.txn(fromTxnMessage(request));
    return toTxnResponse(result, headerOf(this.#port, result.revision));
  }

  async compact(request: pb.CompactionRequest): Promise<pb.CompactionResponse> {
    const { revision } = await this.#port.compact(fromInt64(request.revision), request.physical);
    return { header: headerOf(this.#port, revision) };
  }
}
