/** What recipes find in the store below their prefixes, where anybody may have written: keys and values. */
import type { KeyValue } from '../../../base/key-value.js';
import { silentLogger } from '../../../base/logger.js';
import { Layout, readGate } from '../../../../recipes/barrier-queue/layout.js';
import {
  parseAttempts,
  parseDead,
  parseItem,
  parsePutId,
  writeAttempts,
  writeDead,
  writeGate,
  writeItem,
} from '../../../../recipes/barrier-queue/records.js';
import { parseReports } from '../../../../recipes/config/instance-reports.js';
import { ConfigLayout, parsePointer } from '../../../../recipes/config/release.js';
import { ForeignReport } from '../../../../recipes/foreign.js';
import { acquisitionKey, escapeSegment } from '../../../../recipes/keys.js';
import { isPlace, toPlace } from '../../../../recipes/line/place.js';
import { type By, toJson } from '../../../../recipes/metadata.js';
import {
  decodeInstance,
  decodeOverride,
  encodeInstance,
  encodeOverride,
  idInKey,
} from '../../../../recipes/registry/instance.js';
import type { Chance } from '../chance.js';
import { drawUtf8 } from '../draw/commands.js';
import { Finding, type FuzzTarget } from '../target.js';

const NAME_BYTES = 1;
const BY: By = { host: 'a', pid: 1, since: '2026-11-21T00:00:00.000Z' };
const LAYOUT = new Layout(undefined, 'shards');
const CONFIG = new ConfigLayout(undefined, 'payments');
const LINE = 'conclave/mutex/orders/q/';
const RELEASES = CONFIG.release(1).slice(0, -12);
const INSTANCES = 'conclave/svc/orders/';

/** A reader: what recipes write for it, and what must hold of whatever it takes for its own. */
interface Reader {
  /** With this all keys begin that it is given: recipes read below their prefixes. */
  readonly start: string;
  readonly draw: (chance: Chance) => { readonly key: string; readonly value?: Uint8Array };
  /** Never throws. @returns undefined for what is foreign */
  readonly read: (kv: KeyValue) => unknown;
  readonly isRight: (read: never) => boolean;
}

const READERS: Readonly<Record<string, Reader>> = {
  gate: {
    start: LAYOUT.live,
    draw: (chance) => {
      const gate = {
        round: chance.between(1, 10 ** 9),
        state: chance.pick(['open', 'closed'] as const),
        consented: chance.oneIn(2),
      };
      return { key: LAYOUT.gate, value: writeGate(gate, BY) };
    },
    read: readGate,
    isRight: ({ round, state }: { round: number; state: string }) =>
      isCount(round, 1, 10 ** 9) && ['open', 'closed'].includes(state),
  },
  queueKey: {
    start: LAYOUT.live,
    draw: (chance) => {
      const slot = { round: chance.between(1, 99), id: nameOf(chance) };
      const part = chance.pick(['item', 'try', 'claim', 'wait'] as const);
      return { key: chance.oneIn(8) ? LAYOUT.linger(slot.round) : LAYOUT.of(part, slot) };
    },
    read: ({ key }) => LAYOUT.parse(key) && { about: LAYOUT.parse(key), key },
    // A key that is taken for one of ours is byte for byte as we would write it.
    isRight: ({ about, key }: { about: NonNullable<ReturnType<Layout['parse']>>; key: Uint8Array }) =>
      Buffer.from(key).equals(Buffer.from(queueKeyOf(about))),
  },
  attempts: {
    start: LAYOUT.live,
    draw: (chance) => {
      const attempts = { attempt: chance.between(0, 20), reason: chance.maybe(() => drawUtf8(chance)) };
      return { key: LAYOUT.of('try', { round: 1, id: 'a' }), value: writeAttempts(attempts) };
    },
    read: ({ value }) => parseAttempts(value),
    isRight: ({ attempt, reason }: { attempt: number; reason?: string }) => isCount(attempt) && isTextOrNone(reason),
  },
  item: {
    start: LAYOUT.live,
    draw: (chance) => ({
      key: LAYOUT.of('item', { round: 1, id: nameOf(chance) }),
      value: writeItem(drawJson(chance), 'put', BY),
    }),
    read: ({ value }) => (parsePutId(value) === undefined ? undefined : parseItem(value)),
    // Whatever is taken for an item can be written again, as a dead letter.
    isRight: (item) => writeDead(toJson({ item }, 'item'), 1, 'why', BY).length > 0,
  },
  deadLetter: {
    start: LAYOUT.dead,
    draw: (chance) => ({
      key: LAYOUT.deadLetter({ round: chance.between(1, 99), id: nameOf(chance) }),
      value: writeDead(toJson({ item: drawJson(chance) }, 'item'), chance.between(0, 9), drawUtf8(chance), BY),
    }),
    read: ({ key, value }) => LAYOUT.parseDead(key) && parseDead(value),
    isRight: ({ attempts, reason, since }: { attempts: number; reason: string; since: string }) =>
      isCount(attempts) && [reason, since].every((text) => typeof text === 'string'),
  },
  place: {
    start: LINE,
    draw: (chance) => {
      const owner = { more: drawUtf8(chance), ...BY, acquisitionId: 'abc' };
      return {
        key: acquisitionKey(LINE, 7n, chance.between(0, 2 ** 31).toString(16)),
        value: toJson(owner, 'metadata'),
      };
    },
    read: (kv) => (isPlace(LINE, kv) ? toPlace(LINE, kv) : undefined),
    isRight: ({ key, host, pid, lease }: { key: string; host?: string; pid?: number; lease: bigint }) =>
      key.startsWith(LINE) && isTextOrNone(host) && ['number', 'undefined'].includes(typeof pid) && lease === 7n,
  },
  instance: {
    start: INSTANCES,
    draw: (chance) => {
      const instance = { service: 'orders', address: `h${drawUtf8(chance)}`, weight: chance.between(0, 9), port: 80 };
      return { key: INSTANCES + escapeSegment(nameOf(chance)), value: encodeInstance(instance, 'r', BY) };
    },
    read: (kv) => (idInKey(INSTANCES, kv.key) === undefined ? undefined : decodeInstance(kv)),
    isRight: ({ weight, load, address, port = 0 }: { weight: number; load: number; address: string; port?: number }) =>
      [weight, load].every((amount) => Number.isFinite(amount) && amount >= 0) &&
      address !== '' &&
      isCount(port, 0, 65_535),
  },
  override: {
    start: INSTANCES,
    draw: (chance) => ({
      key: `${INSTANCES}a`,
      value: encodeOverride({ drain: chance.oneIn(2), weight: chance.between(0, 9), reason: drawUtf8(chance) }, BY),
    }),
    read: decodeOverride,
    isRight: ({ weight = 0, drain = true }: { weight?: number; drain?: boolean }) =>
      Number.isFinite(weight) && weight >= 0 && typeof drain === 'boolean',
  },
  release: {
    start: RELEASES,
    draw: (chance) => {
      const release = chance.between(1, 99);
      const value = { release, document: drawJson(chance), author: 'a', since: 'b', publicationId: 'c' };
      return { key: CONFIG.release(release), value: toJson(value, 'document') };
    },
    read: (kv) => CONFIG.releaseIn(kv),
    isRight: ({ release, author, publicationId }: { release: number; author: string; publicationId: string }) =>
      isCount(release, 1) && [author, publicationId].every((text) => typeof text === 'string'),
  },
  pointer: {
    start: CONFIG.current,
    draw: (chance) => ({ key: CONFIG.current, value: Buffer.from(String(chance.between(1, 10 ** 9))) }),
    read: (kv) => parsePointer(kv) || undefined,
    isRight: (release: number) => isCount(release, 1, 10 ** 11),
  },
  report: {
    start: CONFIG.seen(''),
    draw: (chance) => ({
      key: CONFIG.seen('a'),
      value: toJson({ instance: 'a', owner: 'b', release: chance.between(1, 9), status: 'applied' }, 'report'),
    }),
    read: (kv) => parseReports([kv], new ForeignReport(silentLogger, 'reports'))[0],
    isRight: ({ release, status }: { release: number; status: string }) =>
      Number.isSafeInteger(release) && ['applied', 'rejected'].includes(status),
  },
};

/** One for each reader of what is stored: the input is the end of a key, after its length, and the value. */
export const recipeValues: readonly FuzzTarget[] = Object.entries(READERS).map(
  ([name, { start, draw, read, isRight }]) => ({
    name: `recipe-${name}`,
    what: `what recipes find in the store: ${name}`,
    draw: (chance) => {
      const { key, value = Buffer.alloc(0) } = draw(chance);
      const bytes = Buffer.from(key).subarray(Buffer.byteLength(start)).subarray(0, 255);
      return { input: Buffer.concat([Buffer.of(bytes.length), bytes, value]) };
    },
    judge: (input) => {
      const found = read(keyValueIn(start, input));
      if (found === undefined) return 'refused';
      if (!isRight(found as never))
        throw new Finding(`foreign, and taken for ours: ${JSON.stringify(found, shown).slice(0, 400)}`);
      return 'read';
    },
  }),
);

function keyValueIn(start: string, input: Buffer): KeyValue {
  const valueAt = NAME_BYTES + (input[0] ?? 0);
  const key = Buffer.concat([Buffer.from(start), input.subarray(NAME_BYTES, valueAt)]);
  const value = input.subarray(valueAt);
  return { key, value, createRevision: 5, modRevision: 6, version: 2, lease: 7n };
}

function queueKeyOf(about: NonNullable<ReturnType<Layout['parse']>>): string {
  if (about.part === 'gate') return LAYOUT.gate;
  return about.part === 'linger' ? LAYOUT.linger(about.round) : LAYOUT.of(about.part, about);
}

function nameOf(chance: Chance): string {
  return drawUtf8(chance).replaceAll(/^\/+|\/+$/g, '') || 'a';
}

function drawJson(chance: Chance, depth = 0): unknown {
  switch (chance.between(0, depth < 3 ? 5 : 3)) {
    case 0:
      return chance.integer();
    case 1:
      return drawUtf8(chance);
    case 2:
      return null;
    case 3:
      return chance.oneIn(2);
    case 4:
      return chance.list(4, () => drawJson(chance, depth + 1));
    default:
      return Object.fromEntries(chance.list(4, () => [drawUtf8(chance), drawJson(chance, depth + 1)] as const));
  }
}

function isCount(value: number, least = 0, most = Number.MAX_SAFE_INTEGER): boolean {
  return Number.isSafeInteger(value) && value >= least && value <= most;
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function shown(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
