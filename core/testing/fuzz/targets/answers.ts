import { ServerError } from '../../../base/errors.js';
import {
  fromDeleteResponse,
  fromEventMessage,
  fromPutResponse,
  fromRangeResponse,
  fromTxnResponse,
} from '../../../rpc/convert-results.js';
import { DeleteRangeResponse, PutResponse, RangeResponse, TxnResponse } from '../../../rpc/gen/kv.js';
import { Event } from '../../../rpc/gen/mvcc.js';
import { WatchResponse } from '../../../rpc/gen/watch.js';
import { assertRefusal } from '../codec-target.js';
import type { FuzzTarget } from '../target.js';
import { drawMessage, type MessageCodec, reading } from './rpc-messages.js';

/** A message of a server's, and what a client makes of it. */
interface Way {
  readonly codec: MessageCodec;
  readonly convert: (message: never) => unknown;
}

const WAYS: readonly Way[] = [
  { codec: RangeResponse, convert: fromRangeResponse },
  { codec: PutResponse, convert: fromPutResponse },
  { codec: DeleteRangeResponse, convert: fromDeleteResponse },
  { codec: TxnResponse, convert: fromTxnResponse },
  { codec: WatchResponse, convert: ({ events }: WatchResponse) => events.map(fromEventMessage) },
  { codec: Event, convert: fromEventMessage },
];

/** What a server answers, as a client reads it. Bytes that are no message fail the call; the rest is read or refused. */
export const answers: FuzzTarget = {
  name: 'answers',
  what: "a server's answers, up to what a store gives",
  asks: true,
  draw: (chance) => {
    const which = chance.between(0, WAYS.length - 1);
    const { codec } = WAYS[which] as Way;
    return { input: Buffer.concat([Buffer.of(which), codec.encode(drawMessage(codec, chance)).finish()]) };
  },
  judge: (input) => {
    const { codec, convert } = WAYS[(input[0] ?? 0) % WAYS.length] as Way;
    let message: unknown;
    try {
      message = reading(() => codec.decode(input.subarray(1)));
    } catch (error) {
      assertRefusal(error, [Error]);
      return 'refused';
    }
    try {
      convert(message as never);
      return 'read';
    } catch (error) {
      assertRefusal(error, [ServerError]);
      // A message may be whole, and still not what a server may say.
      return 'refused';
    }
  },
};
