import type { Command, Option } from 'commander';

const VALUES: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
};

/**
 * The words of a line with switches as our parser takes them: Go's take `--prefix=true` and `--prefix=false`, too. One
 * that is switched off is left out, unless there is a `--no-` of it.
 */
export function decided(args: readonly string[], program: Command): readonly string[] {
  const end = args.indexOf('--');
  const words = end < 0 ? args : args.slice(0, end);
  const options = optionsFor(words, program);
  const find = (name: string) => options.find(({ long }) => long === name);
  const plain = words.flatMap((word) => {
    const [, name = '', text = ''] = /^(--[a-z-]+)=(.*)$/s.exec(word) ?? [];
    const value = VALUES[text];
    if (value === undefined || find(name)?.isBoolean() !== true) return [word];
    if (value) return [name];
    const opposite = name.replace('--', '--no-');
    return find(opposite) ? [opposite] : [];
  });
  return end < 0 ? plain : [...plain, ...args.slice(end)];
}

/** The options of the command that the words name, and of those above it. */
function optionsFor(words: readonly string[], program: Command): readonly Option[] {
  let command = program;
  let options = [...program.options];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] as string;
    if (word.startsWith('-')) {
      const option = options.find(({ long, short }) => long === word || short === word);
      if (option?.required === true) at += 1;
      continue;
    }
    const next = command.commands.find((one) => one.name() === word || one.aliases().includes(word));
    if (next === undefined) break;
    command = next;
    options = [...options, ...next.options];
  }
  return options;
}
