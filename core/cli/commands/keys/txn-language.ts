/** How a transaction is written down: a compare or an operation a line. */
import { Command, type OptionValues } from 'commander';
import {
  type Compare,
  Compare_CompareResult as Result,
  Compare_CompareTarget as Target,
  type RequestOp,
} from '../../../rpc/gen/kv.js';
import { bytesOfWord, goUnquote, wordsOf } from '../../print/go-words.js';
import {
  addDeleteFlags,
  addGetFlags,
  addPutFlags,
  type DeleteFlags,
  deleteRequest,
  type GetFlags,
  type PutFlags,
  putRequest,
  rangeRequest,
} from './requests.js';

const QUOTED = '("(?:[^"\\\\]|\\\\.)*")';
const COMPARE = new RegExp(`^\\s*(\\w+)\\s*\\(\\s*${QUOTED}\\s*\\)\\s*(!=|=|<|>)\\s*${QUOTED}\\s*$`);

const RESULTS: Readonly<Record<string, Result>> = {
  '=': Result.EQUAL,
  '!=': Result.NOT_EQUAL,
  '>': Result.GREATER,
  '<': Result.LESS,
};

/** A line such as `mod("key") > "5"`. @throws if it is none */
export function parseCompare(line: string): Compare {
  const [, target = '', key = '', operator = '', value = ''] = COMPARE.exec(line) ?? [];
  const [keyBytes, valueBytes] = [goUnquote(key), goUnquote(value)];
  if (keyBytes === undefined || valueBytes === undefined) throw new Error(`malformed comparison: ${line}`);
  const result = RESULTS[operator] as Result;
  return { key: keyBytes, rangeEnd: Buffer.alloc(0), result, ...targetOf(target, valueBytes, line) };
}

function targetOf(name: string, value: Buffer, line: string): Pick<Compare, 'target' | 'targetUnion'> {
  const number = (base: 10 | 16 = 10) => numberOf(value.toString(), base, line);
  switch (name) {
    case 'ver':
    case 'version':
      return { target: Target.VERSION, targetUnion: { $case: 'version', version: number() } };
    case 'c':
    case 'create':
      return { target: Target.CREATE, targetUnion: { $case: 'createRevision', createRevision: number() } };
    case 'm':
    case 'mod':
      return { target: Target.MOD, targetUnion: { $case: 'modRevision', modRevision: number() } };
    case 'val':
    case 'value':
      return { target: Target.VALUE, targetUnion: { $case: 'value', value } };
    case 'lease':
      return { target: Target.LEASE, targetUnion: { $case: 'lease', lease: number(16) } };
    default:
      throw new Error(`malformed comparison: ${line} (unknown target ${name})`);
  }
}

function numberOf(text: string, base: 10 | 16, line: string): bigint {
  const isNumber = base === 10 ? /^[+-]?\d+$/.test(text) : /^[0-9a-f]+$/i.test(text);
  const number = isNumber ? BigInt(base === 10 ? text : `0x${text}`) : undefined;
  if (number !== undefined && BigInt.asIntN(64, number) === number) return number;
  throw new Error(`invalid txn compare request: ${line}`);
}

/** A line such as `put key "a value" --prev-kv`. @throws if it is none */
export function parseOperation(line: string): RequestOp {
  const [name, ...args] = wordsOf(line);
  const parse = OPERATIONS[name ?? ''];
  if (parse === undefined) throw new Error(`invalid txn request: ${line}`);
  try {
    return { request: parse(args) };
  } catch (error) {
    const why = (error as Error).message.replace(/^error: /, '');
    throw new Error(`invalid txn request: ${line} (${why})`, { cause: error });
  }
}

type Request = NonNullable<RequestOp['request']>;

/** Each takes the arguments and flags of the command of its name. */
const OPERATIONS: Readonly<Record<string, (args: readonly string[]) => Request>> = {
  get(args) {
    const [[key, end], flags] = parsed<GetFlags>(['<key>', '[range-end]'], addGetFlags, args);
    return { $case: 'requestRange', requestRange: rangeRequest(key as Buffer, end, flags) };
  },
  put(args) {
    const [[key, value], flags] = parsed<PutFlags>(['<key>', '[value]'], addPutFlags, args);
    const isGiven = value !== undefined;
    if (isGiven === (flags.ignoreValue ?? false)) throw new Error('it needs a value, or --ignore-value instead of one');
    return { $case: 'requestPut', requestPut: putRequest(key as Buffer, value ?? Buffer.alloc(0), flags) };
  },
  del(args) {
    const [[key, end], flags] = parsed<DeleteFlags>(['<key>', '[range-end]'], addDeleteFlags, args);
    return { $case: 'requestDeleteRange', requestDeleteRange: deleteRequest(key as Buffer, end, flags) };
  },
};

/** The arguments and flags of one line. @throws `CommanderError` if they make no sense */
function parsed<Flags>(
  words: readonly [string, string],
  addFlags: (command: Command) => Command,
  args: readonly string[],
): [args: readonly (Buffer | undefined)[], Flags] {
  const parser = addFlags(new Command().argument(words[0]).argument(words[1]));
  parser
    .exitOverride()
    .allowExcessArguments(false)
    .helpOption(false)
    .configureOutput({ writeErr: () => {} })
    .action(() => {})
    .parse(args, { from: 'user' });
  const given = parser.processedArgs as readonly (string | undefined)[];
  return [
    given.map((word) => (word === undefined ? undefined : bytesOfWord(word))),
    parser.opts<OptionValues>() as Flags,
  ];
}
