import { InvalidArgumentError } from '../base/errors.js';
import type { StartOptions } from '../server/start-member.js';
import { type Flag, SEPARATOR } from './flag.js';

type RateLimit = NonNullable<StartOptions['rateLimits']>[number];
type PrefixQuota = NonNullable<StartOptions['prefixQuotas']>[number];

const UNITS: Readonly<Record<string, number>> = { '': 1, B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };
const WHOLE = /^\d+$/;
const SIZE = /^(\d+)(B|KiB|MiB|GiB|)$/;

type Parts = ReadonlyMap<string, string>;

/** Rules that say how often keys may be used: `prefix=jobs/,per-second=100,burst=200,of=writes`. */
export function rateLimits(describe: string): Flag<readonly RateLimit[]> {
  const form = 'prefix=<text>,per-second=<count>[,burst=<count>][,of=writes|reads|all]';
  return rules(form, describe, (parts) => {
    const [perSecond, burst] = [whole(parts.get('per-second')), whole(parts.get('burst'))];
    const of = parts.get('of') as RateLimit['of'];
    return {
      prefix: parts.get('prefix') as string,
      perSecond: perSecond ?? Number.NaN,
      ...(burst !== undefined && { burst }),
      ...(of !== undefined && { of }),
    };
  });
}

/** Rules that say how much may be kept: `prefix=jobs/,keys=10000,bytes=64MiB`. */
export function prefixQuotas(describe: string): Flag<readonly PrefixQuota[]> {
  return rules('prefix=<text>[,keys=<count>][,bytes=<size>]', describe, (parts) => {
    const [keysMax, bytesMax] = [whole(parts.get('keys')), size(parts.get('bytes'))];
    return {
      prefix: parts.get('prefix') as string,
      ...(keysMax !== undefined && { keysMax }),
      ...(bytesMax !== undefined && { bytesMax }),
    };
  });
}

/** A flag that may be given several times. What its numbers may be is known to whoever takes the rules. */
function rules<Rule>(form: string, describe: string, make: (parts: Parts) => Rule): Flag<readonly Rule[]> {
  const known = new Set([...form.matchAll(/([a-z-]+)=/g)].map(([, name]) => name as string));
  const partsOf = (rule: string, given: string): Parts => {
    const parts = rule.split(',').map((part) => part.split(/=(.*)/s, 2) as [string, string?]);
    const isKnown = parts.every(([name, value]) => known.has(name) && value !== undefined);
    const named = new Map(parts as [string, string][]);
    if (isKnown && named.size === parts.length && named.has('prefix')) return named;
    throw new InvalidArgumentError(given, rule, `of the form ${form}`);
  };
  return {
    placeholder: '<rule>',
    describe: `${describe}: ${form}; may be given several times`,
    isRepeatable: true,
    parse: (text, given) => text.split(SEPARATOR).map((rule) => make(partsOf(rule, given))),
  };
}

function whole(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  return WHOLE.test(text) ? Number(text) : Number.NaN;
}

function size(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, count, unit] = SIZE.exec(text) ?? [];
  return count === undefined ? Number.NaN : Number(count) * (UNITS[unit as string] as number);
}
