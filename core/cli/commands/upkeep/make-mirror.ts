import type { Command } from 'commander';
import { InvalidArgumentError } from '../../../base/errors.js';
import { everything } from '../../../base/key-range.js';
import { toRangeFields } from '../../../rpc/convert-requests.js';
import { KVService, type RequestOp } from '../../../rpc/gen/kv.js';
import { type Event, Event_EventType, type KeyValue } from '../../../rpc/gen/mvcc.js';
import { KeyWatch, PLAIN_WATCH } from '../../asking/key-watch.js';
import { MemberClient } from '../../asking/member-client.js';
import { patiently } from '../../asking/patience.js';
import type { Context, Runner } from '../../asking/runner.js';
import { keyRangeOf } from '../keys/key-range-flags.js';
import { plainRange, putRequest } from '../keys/requests.js';
import { uint63 } from '../numbers.js';

interface Flags {
  readonly prefix: string;
  /** False: nothing takes the prefix's place. */
  readonly destPrefix: string | false;
  readonly destCacert?: string;
  readonly destCert?: string;
  readonly destKey?: string;
  readonly destInsecureTransport: boolean;
  readonly destUser?: string;
  readonly destPassword?: string;
  readonly rev?: string;
  readonly maxTxnOps: string;
}

const PAGE_KEYS = 1_000n;
const REPORT_MS = 30_000;
const TXN_OPS_MAX = 10_000n;

/** Copying keys to another cluster, as they change. */
export function addMakeMirrorCommand(program: Command, runner: Runner): void {
  program
    .command('make-mirror <destination>')
    .summary('copies keys to another cluster, as they change')
    .description(
      'Copies all keys to another cluster, and then every change as it happens, until it is interrupted. Every 30 seconds ' +
        'it tells how many keys it has copied. Leases are not copied, nor what was deleted before it began.',
    )
    .option('--prefix <prefix>', 'only keys that begin so', '')
    .option('--dest-prefix <prefix>', 'what takes the place of --prefix there', '')
    .option('--no-dest-prefix', 'there nothing takes the place of --prefix')
    .option('--rev <revision>', 'only changes from that revision on')
    .option('--max-txn-ops <count>', 'how many changes of one revision are copied at once', '128')
    .option('--dest-cacert <file>', 'the authorities that may have signed the certificates there')
    .option('--dest-cert <file>', 'the certificate to show there')
    .option('--dest-key <file>', 'the key of that certificate')
    .option('--dest-insecure-transport', 'without TLS there, unless the destination or a certificate says so', true)
    .option('--no-dest-insecure-transport', 'with TLS there')
    .option('--dest-user <name[:password]>', 'who asks there')
    .option('--dest-password <password>', 'the password there, when --dest-user has none')
    .action((destination: string, flags: Flags) => runner.asking((context) => mirror(context, destination, flags)));
}

async function mirror(context: Context, destination: string, flags: Flags): Promise<void> {
  const from = flags.rev === undefined ? undefined : uint63(flags.rev, '--rev');
  const opsMax = Number(uint63(flags.maxTxnOps, '--max-txn-ops'));
  if (opsMax < 1 || opsMax > TXN_OPS_MAX) {
    throw new InvalidArgumentError('--max-txn-ops', flags.maxTxnOps, `a whole number from 1 to ${TXN_OPS_MAX}`);
  }
  const there = new MemberClient({ ...context.client.settings, ...destinationSettings(destination, flags) });
  const { signal, stop } = context.surroundings.listenForInterrupts();
  const copy = new Copy(context.client, there, flags, opsMax, signal);
  const report = setInterval(() => context.say(String(copy.count)), REPORT_MS);
  try {
    const next = from ?? BigInt(await copy.all()) + 1n;
    await copy.changesFrom(next);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(report);
    stop();
    there.close();
  }
}

function destinationSettings(
  destination: string,
  { destCacert, destCert, destKey, destInsecureTransport, destUser, destPassword }: Flags,
): Pick<MemberClient['settings'], 'endpoints' | 'tls' | 'user'> {
  const [name = '', ...password] = destUser?.split(':') ?? [];
  const user = destUser === undefined ? undefined : { name, password: destPassword ?? password.join(':') };
  return {
    endpoints: destination.split(','),
    tls: { cacert: destCacert, cert: destCert, key: destKey, isPlain: destInsecureTransport, isUnverified: false },
    user,
  };
}

/** What is copied from here to there. */
class Copy {
  readonly #here: MemberClient;
  readonly #there: MemberClient;
  readonly #opsMax: number;
  readonly #signal: AbortSignal;
  readonly #prefix: Buffer;
  readonly #prefixThere: Buffer;
  /** Keys put and deleted there so far. */
  count = 0;

  constructor(here: MemberClient, there: MemberClient, flags: Flags, opsMax: number, signal: AbortSignal) {
    this.#here = here;
    this.#there = there;
    this.#opsMax = opsMax;
    this.#signal = signal;
    this.#prefix = Buffer.from(flags.prefix);
    // Without a word about it, keys are called the same there.
    const prefixThere = flags.destPrefix === '' ? flags.prefix : flags.destPrefix || '';
    this.#prefixThere = Buffer.from(prefixThere);
  }

  /** Copies all keys as they are at one moment. @returns its revision */
  async all(): Promise<number> {
    const { key, rangeEnd } = this.#range();
    let revision = 0;
    for (let from = key, more = true; more;) {
      const request = plainRange({ key: from, rangeEnd, limit: PAGE_KEYS, revision: BigInt(revision) });
      const page = await patiently(this.#signal, () => this.#here.ask(KVService.range, request));
      if (revision === 0) revision = page.header?.revision ?? 0;
      for (const kv of page.kvs) await this.#put(kv);
      from = Buffer.concat([page.kvs.at(-1)?.key ?? from, Buffer.of(0)]);
      more = page.more;
    }
    return revision;
  }

  /** Copies every change from a revision on, one revision after the other, until the signal aborts. */
  async changesFrom(startRevision: bigint): Promise<void> {
    const watch = new KeyWatch(this.#here, { ...PLAIN_WATCH, ...this.#range(), startRevision }, this.#signal);
    for await (const { events, canceled, compactRevision, cancelReason } of watch.responses()) {
      if (canceled) throw new Error(cancelReason || `the changes up to revision ${compactRevision} were compacted`);
      for (let at = 0; at < events.length;) {
        const end = this.#endOfBatch(events, at);
        await this.#apply(events.slice(at, end));
        at = end;
      }
    }
  }

  #range(): { readonly key: Buffer; readonly rangeEnd: Buffer } {
    return this.#prefix.length === 0
      ? toRangeFields(everything())
      : keyRangeOf(this.#prefix.toString(), undefined, { prefix: true });
  }

  /** Events of one revision are applied at once, as far as a transaction takes them: there is one of a key among them. */
  #endOfBatch(events: readonly Event[], at: number): number {
    const revision = events[at]?.kv?.modRevision;
    let end = at + 1;
    while (end < events.length && end - at < this.#opsMax && events[end]?.kv?.modRevision === revision) end += 1;
    return end;
  }

  async #apply(events: readonly Event[]): Promise<void> {
    const success = events.flatMap(({ type, kv }) => (kv === undefined ? [] : [this.#operation(type, kv)]));
    await patiently(this.#signal, () => this.#there.ask(KVService.txn, { compare: [], success, failure: [] }));
    this.count += success.length;
  }

  #operation(type: Event_EventType, { key, value }: KeyValue): RequestOp {
    const there = this.#keyThere(key);
    if (type === Event_EventType.DELETE) {
      const request = { key: there, rangeEnd: Buffer.alloc(0), prevKv: false };
      return { request: { $case: 'requestDeleteRange', requestDeleteRange: request } };
    }
    return { request: { $case: 'requestPut', requestPut: { ...putRequest('', value, {}), key: there } } };
  }

  async #put({ key, value }: KeyValue): Promise<void> {
    const request = { ...putRequest('', value, {}), key: this.#keyThere(key) };
    await patiently(this.#signal, () => this.#there.ask(KVService.put, request));
    this.count += 1;
  }

  #keyThere(key: Buffer): Buffer {
    return Buffer.concat([this.#prefixThere, key.subarray(this.#prefix.length)]);
  }
}
