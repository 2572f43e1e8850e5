const MS_PER_UNIT = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1, us: 0.001, µs: 0.001, ns: 0.000_001 } as const;
const PART = /(\d+(?:\.\d*)?|\.\d+)(h|ms|m|s|us|µs|ns)/y;

/**
 * The milliseconds of a duration as etcd's flags write it: `'5s'`, `'1h30m'`, `'300ms'`; `undefined` if it is none.
 *
 * @remarks Source: Go's `time.ParseDuration`, without signs.
 */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0;
  let ms = 0;
  PART.lastIndex = 0;
  while (PART.lastIndex < text.length) {
    const match = PART.exec(text);
    if (!match) return undefined;
    ms += Number(match[1]) * MS_PER_UNIT[match[2] as keyof typeof MS_PER_UNIT];
  }
  return text === '' || !Number.isFinite(ms) ? undefined : ms;
}
