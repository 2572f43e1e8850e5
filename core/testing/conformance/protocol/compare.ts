import { type Int, Matcher } from './rule.js';
import type { World } from './world.js';

/** Bytes in JSON. */
export class Base64 {
  constructor(readonly text: string) {}
}

/** A whole number of 64 bits in JSON, where it is a text. */
export class IntText {
  constructor(readonly int: Int) {}
}

/** Texts in any order. */
export class Unordered {
  readonly texts: readonly string[];
  constructor(texts: readonly string[]) {
    this.texts = [...texts].sort();
  }
}

/** A text that is known only when it arrives, such as a token; it is `{@name}` from then on. */
export class NamedText {
  constructor(readonly name: string) {}
}

/**
 * What arrived, written as the table writes it: wherever it is as expected it is the very thing that was expected, so
 * that a plain comparison of the two shows the differences and nothing else.
 */
export function shownAs(expected: unknown, arrived: unknown, world: World): unknown {
  if (expected instanceof Matcher) return expected.accepts(arrived) ? expected : shown(arrived, world);
  if (expected instanceof Base64) return shownBase64(expected, arrived, world);
  if (expected instanceof IntText) return shownIntText(expected, arrived, world);
  if (expected instanceof NamedText) return shownName(expected, arrived, world);
  if (expected instanceof Unordered) return shownUnordered(arrived, world);
  if (Array.isArray(arrived)) {
    const list = Array.isArray(expected) ? (expected as unknown[]) : [];
    return arrived.map((each, at) => shownAs(list[at], each, world));
  }
  if (typeof arrived === 'object' && arrived !== null) {
    const fields = (typeof expected === 'object' && expected !== null ? expected : {}) as Record<string, unknown>;
    return Object.fromEntries(Object.entries(arrived).map(([key, each]) => [key, shownAs(fields[key], each, world)]));
  }
  if (typeof arrived === 'number' || typeof arrived === 'bigint') return shownNumber(expected, BigInt(arrived), world);
  if (typeof arrived === 'string' && typeof expected === 'string' && world.text(expected) === arrived) return expected;
  return shown(arrived, world);
}

/** Of what nothing was expected. */
function shown(arrived: unknown, world: World): unknown {
  if (typeof arrived === 'string') return world.shownText(arrived);
  return typeof arrived === 'object' && arrived !== null
    ? shownAs(undefined, arrived, world)
    : shownNumberOr(arrived, world);
}

function shownNumberOr(arrived: unknown, world: World): unknown {
  return typeof arrived === 'bigint' || typeof arrived === 'number' ? world.shownInt(BigInt(arrived)) : arrived;
}

function shownNumber(expected: unknown, arrived: bigint, world: World): unknown {
  return isInt(expected) && world.isInt(expected, arrived) ? expected : world.shownInt(arrived);
}

function isInt(expected: unknown): expected is Int {
  if (typeof expected === 'string') return /^(r([+-]\d+)?|\$\w+)$/.test(expected);
  return typeof expected === 'number' || typeof expected === 'bigint';
}

function shownBase64(expected: Base64, arrived: unknown, world: World): unknown {
  const text = typeof arrived === 'string' ? Buffer.from(arrived, 'base64').toString('latin1') : undefined;
  if (text === undefined) return shown(arrived, world);
  return text === world.text(expected.text) ? expected : new Base64(world.shownText(text));
}

function shownIntText(expected: IntText, arrived: unknown, world: World): unknown {
  if (typeof arrived !== 'string' || !/^-?\d+$/.test(arrived)) return shown(arrived, world);
  return world.isInt(expected.int, BigInt(arrived)) ? expected : new IntText(world.shownInt(BigInt(arrived)) as Int);
}

function shownName(expected: NamedText, arrived: unknown, world: World): unknown {
  if (typeof arrived !== 'string') return shown(arrived, world);
  world.nameText(expected.name, arrived);
  return expected;
}

function shownUnordered(arrived: unknown, world: World): unknown {
  return Array.isArray(arrived)
    ? new Unordered(arrived.map((each) => world.shownText(String(each))))
    : shown(arrived, world);
}
