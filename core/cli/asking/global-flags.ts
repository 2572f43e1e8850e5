/** The flags of every command that asks members; they may stand anywhere on the line, or be variables. */
import { Option } from 'commander';
import { InvalidArgumentError } from '../../base/errors.js';
import { parseGoDuration } from '../../base/go-duration.js';
import { type Flag, list, onOff, oneOf, text } from '../flag.js';
import { FORMS } from '../print/printer.js';

/** Whether a flag may stand alone, and which letter is short for it. */
interface GlobalFlag<T> extends Flag<T> {
  readonly isSwitch?: boolean;
  readonly short?: string;
}

const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/** All of them, by the names that etcdctl has for them. */
export const GLOBAL_FLAGS = {
  endpoints: list('<addresses>', 'members to ask, separated by commas', '127.0.0.1:2379'),
  'write-out': { ...oneOf(FORMS, 'how results are told', 'simple'), short: '-w' },
  hex: { ...onOff('keys and values as hexadecimal digits', false), isSwitch: true },
  user: text('<name[:password]>', 'who asks; without a password it is asked for'),
  password: text('<password>', 'the password, when --user has none'),
  cacert: text('<file>', 'the authorities that may have signed the members’ certificates'),
  cert: text('<file>', 'the certificate to show the members'),
  key: text('<file>', 'the key of that certificate'),
  'insecure-transport': { ...onOff('without TLS, unless an endpoint or certificate says so', true), isSwitch: true },
  'insecure-skip-tls-verify': { ...onOff('believe any certificate', false), isSwitch: true },
  'dial-timeout': duration('how long connecting to one member may take', '2s'),
  'command-timeout': duration('how long a command may take', '5s'),
  'keepalive-time': duration('how often a connection is tested; at least every 10s', '2s'),
  'keepalive-timeout': duration('how long such a test may stay unanswered', '6s'),
} as const satisfies Readonly<Record<string, GlobalFlag<unknown>>>;

type Flags = typeof GLOBAL_FLAGS;

/** What they say; those without a default may be absent. */
export type GlobalSettings = {
  readonly [Name in keyof Flags]:
    | ReturnType<Flags[Name]['parse']>
    | (Name extends 'user' | 'password' | 'cacert' | 'cert' | 'key' ? undefined : never);
};

/** As options of the program. */
export function globalOptions(): Option[] {
  return Object.entries<GlobalFlag<unknown>>(GLOBAL_FLAGS).flatMap(([name, flag]) => {
    const { placeholder, describe, fallback, isSwitch = false, short } = flag;
    const isOff = fallback === undefined || fallback === 'false';
    const facts = [...(isOff ? [] : [`default: ${fallback}`]), `env: ${variableOf(name)}`];
    const words = [short === undefined ? `--${name}` : `${short}, --${name}`, ...(isSwitch ? [] : [placeholder])];
    const option = new Option(words.join(' '), `${describe} (${facts.join(', ')})`);
    return isSwitch && !isOff ? [option, new Option(`--no-${name}`).hideHelp()] : [option];
  });
}

/**
 * What is in force: what the line says, else the variable, else the default. An empty variable counts as none.
 *
 * @param given - how the flag of a name was given on the line, if it was
 * @throws {@link InvalidArgumentError} naming the flag or variable that makes no sense
 */
export function readGlobalSettings(
  given: (name: string) => string | boolean | undefined,
  env: Readonly<Record<string, string | undefined>>,
): GlobalSettings {
  const settings = Object.entries<GlobalFlag<unknown>>(GLOBAL_FLAGS).map(([name, { parse, fallback }]) => {
    const onLine = given(name);
    if (onLine !== undefined) return [name, parse(String(onLine), `--${name}`)];
    const fromVariable = env[variableOf(name)] || undefined;
    if (fromVariable !== undefined) return [name, parse(fromVariable, variableOf(name))];
    return [name, fallback === undefined ? undefined : parse(fallback, `--${name}`)];
  });
  return Object.fromEntries(settings) as GlobalSettings;
}

/** The variable of a flag. */
function variableOf(name: string): string {
  return `ETCDCTL_${name.toUpperCase().replaceAll('-', '_')}`;
}

function duration(describe: string, fallback: string): Flag<number> {
  return {
    ...text('<time>', describe, fallback),
    parse(value, given) {
      const ms = parseGoDuration(value);
      if (ms !== undefined && ms > 0 && ms <= TIMEOUT_MAX_MS) return ms;
      throw new InvalidArgumentError(given, value, 'a time above 0 such as 5s or 1m30s, of at most 24 days');
    },
  };
}
