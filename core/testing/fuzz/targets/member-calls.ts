import { status } from '@grpc/grpc-js';
import type { Chance } from '../chance.js';
import type { CallMade, CallRefusal } from '../door.js';
import { type Call, CALLS } from '../draw/calls.js';
import { PART_BYTES_MAX, type Part, packParts, unpackParts } from '../draw/packed.js';
import { CALLERS, MemberScene } from '../member-scene.js';
import { Finding, type FuzzTarget } from '../target.js';

const ANSWER_MS_MAX = 10_000;
/** Statuses that say that the member, and not the request, has a problem. */
const SICK = new Set([status.INTERNAL, status.DATA_LOSS, status.DEADLINE_EXCEEDED]);
/** What a member answers to while an alarm that was asked for is raised. */
const ALARM_TEXT = 'etcdserver: corrupt cluster';
const SICK_TEXTS = /internal error|request timed out|server stopped/;
/** Messages of one input, which are all under way at one time. */
const MESSAGES_MAX = 120;

// Of the byte that stands before a message: who calls, by which door, and whether it is made larger.
const CALLER_BITS = 0b11;
const GATEWAY_BIT = 0b100;
/** Of the other bits: so many bytes more than was drawn. A message may have 2 MiB, and a body of JSON twice that. */
const MORE_BYTES: ReadonlyMap<number, number> = new Map([
  [30, 1_000_000],
  [31, 4_300_000],
]);
/** One message in so many is one that is too large. */
const LARGE_ONE_IN = 400;

/** Calls of a running member, whatever is asked of it: each is answered with a status, and others notice nothing. */
export const memberCalls = callsTarget(
  'member-calls',
  'calls of a running member, of every method, by gRPC and by the gateway',
  () => MemberScene.open(),
);

/** The same of a member that asks who calls: those without rights change nothing beyond what little they may. */
export const guardedCalls = callsTarget(
  'guarded-calls',
  'calls of a member with authentication, by those who have no rights, or few',
  () => MemberScene.openGuarded(),
);

function callsTarget(name: string, what: string, openScene: () => Promise<MemberScene>): FuzzTarget {
  let scene: Promise<MemberScene> | undefined;
  return {
    name,
    what,
    asks: true,
    inputsPerSecond: 200,
    timeMsMax: ANSWER_MS_MAX,
    allocatedBytesMax: () => 512 * 1024 * 1024,
    cases: (input) => Math.max(1, unpackParts(input).length),
    draw: (chance) => ({ input: packParts(drawParts(chance)) }),
    judge: async (input) => {
      const open = await (scene ??= openScene());
      const calls = unpackParts(input).flatMap((part) => make(open, part) ?? []);
      open.grpc.endStreams();
      const ends = [...(await ended(calls.filter(({ waits }) => !waits)))];
      const waiting = calls.filter(({ waits }) => waits);
      for (const call of waiting) call.cancel();
      ends.push(...(await ended(waiting)));
      await open.check();
      return ends.every((end) => end === undefined) ? 'read' : 'refused';
    },
    close: async () => {
      const open = await scene;
      scene = undefined;
      await open?.close();
    },
  };
}

function drawParts(chance: Chance): readonly Part[] {
  const count = chance.oneIn(4) ? 1 : chance.between(2, MESSAGES_MAX);
  return Array.from({ length: count }, () => {
    const kind = chance.between(0, CALLS.length - 1);
    const call = CALLS[kind] as Call;
    const size = chance.oneIn(LARGE_ONE_IN) ? chance.pick([...MORE_BYTES.keys()]) : 0;
    const isJson = call.jsonPath !== undefined && chance.oneIn(3);
    const how = chance.between(0, CALLER_BITS) | (isJson ? GATEWAY_BIT : 0) | (size << 3);
    const message = isJson ? call.drawJson(chance) : call.draw(chance);
    return { kind, bytes: Buffer.concat([Buffer.of(how), message]).subarray(0, PART_BYTES_MAX) };
  });
}

/** Makes one call. */
function make(scene: MemberScene, { kind, bytes }: Part): CallMade | undefined {
  const call = CALLS[kind % CALLS.length] as Call;
  const [how = 0] = bytes;
  const message = bytes.subarray(1);
  const headers = scene.headersOf(CALLERS[how & CALLER_BITS] as (typeof CALLERS)[number]);
  const more = MORE_BYTES.get(how >> 3) ?? 0;
  if ((how & GATEWAY_BIT) !== 0 && call.jsonPath !== undefined) {
    return scene.gateway.make(call, more === 0 ? message : largerJson(message, more), headers);
  }
  return scene.grpc.make(call, more === 0 ? message : larger(message, more), headers);
}

/** With the first field, mostly a key or a name, of so many bytes. */
function larger(message: Buffer, bytes: number): Buffer {
  const header = Buffer.of(0x0a, 0x80 | (bytes & 127), 0x80 | ((bytes >> 7) & 127), 0x80 | ((bytes >> 14) & 127));
  return Buffer.concat([message, header, Buffer.of(bytes >> 21), Buffer.alloc(bytes, 'k')]);
}

function largerJson(body: Buffer, bytes: number): Buffer {
  return Buffer.concat([Buffer.from(`{"key":"${'A'.repeat(4 * Math.floor(bytes / 4))}",`), body.subarray(1)]);
}

async function ended(calls: readonly CallMade[]): Promise<readonly (CallRefusal | undefined)[]> {
  const ends = await withinLimit(Promise.all(calls.map((call) => call.ended)));
  for (const end of ends) assertWell(end);
  return ends;
}

async function withinLimit<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Finding(`no answer came within ${ANSWER_MS_MAX} ms`)), ANSWER_MS_MAX);
  });
  try {
    return await Promise.race([answer, never]);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws {@link Finding} */
function assertWell(refusal: CallRefusal | undefined): void {
  if (refusal === undefined || refusal.details === ALARM_TEXT) return;
  if (!SICK.has(refusal.code) && !SICK_TEXTS.test(refusal.details)) return;
  throw new Finding(`a call was answered with ${status[refusal.code]}: ${refusal.details}`);
}
