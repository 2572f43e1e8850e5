import type { CompletedCommand } from './completion.js';

interface Script {
  readonly usage: string;
  readonly write: (commands: readonly CompletedCommand[]) => string;
}

/** For each shell. */
export const SCRIPTS: Readonly<Record<'bash' | 'zsh' | 'fish', Script>> = {
  bash: { usage: 'source <(conclave completion bash)', write: bash },
  zsh: { usage: 'source <(conclave completion zsh)', write: zsh },
  fish: { usage: 'conclave completion fish | source', write: fish },
};

/** What the words before the cursor name, as far as they name a command. The same in bash and zsh. */
function walk(commands: readonly CompletedCommand[]): string {
  return commands
    .filter(({ children }) => children.length > 0)
    .map(
      ({ path, children }) =>
        `      ${children.map(({ name }) => quoted(join(path, name))).join('|')}) path="$next" ;;`,
    )
    .join('\n');
}

function words(commands: readonly CompletedCommand[]): string {
  const [program, ...others] = commands;
  const ofAll = (program?.flags ?? []).map(({ name }) => name).join(' ');
  return [program, ...others]
    .flatMap((command) => (command === undefined ? [] : [command]))
    .map(({ path, children, flags }) => {
      const own = path === '' ? [] : flags.map(({ name }) => name);
      return `    ${quoted(path)}) words=${quoted([...children.map(({ name }) => name), ...own, ofAll].join(' '))} ;;`;
    })
    .join('\n');
}

function findWords(commands: readonly CompletedCommand[]): string {
  return `  local path="" next word words=""
  for word in "\${typed[@]}"; do
    [[ $word == -* ]] && continue
    next="\${path:+$path }$word"
    case "$next" in
${walk(commands)}
    esac
  done
  case "$path" in
${words(commands)}
  esac`;
}

function bash(commands: readonly CompletedCommand[]): string {
  return `# conclave: completion for bash
_conclave() {
  local current="\${COMP_WORDS[COMP_CWORD]}"
  local typed=("\${COMP_WORDS[@]:1:COMP_CWORD-1}")
${findWords(commands)}
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _conclave conclave`;
}

function zsh(commands: readonly CompletedCommand[]): string {
  return `#compdef conclave
# conclave: completion for zsh
_conclave() {
  local -a typed
  typed=("\${(@)words[2,CURRENT-1]}")
  _conclave_words() {
${findWords(commands).replaceAll(/^/gm, '  ')}
    print -r -- "$words"
  }
  compadd -- \${=$(_conclave_words)}
}
if [ "$funcstack[1]" = "_conclave" ]; then _conclave "$@"; else compdef _conclave conclave; fi`;
}

function fish(commands: readonly CompletedCommand[]): string {
  const lines = commands.flatMap(({ path, children, flags }) => {
    const names = path === '' ? [] : path.split(' ');
    const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`);
    const none =
      children.length > 0 ? [`not __fish_seen_subcommand_from ${children.map(({ name }) => name).join(' ')}`] : [];
    const where = (conditions: readonly string[]) =>
      conditions.length === 0 ? '' : ` -n ${quoted(conditions.join('; and '))}`;
    return [
      ...children.map(
        ({ name, summary }) => `complete -c conclave -f${where([...seen, ...none])} -a ${name} -d ${quoted(summary)}`,
      ),
      ...flags.map(
        ({ name, summary, takesValue }) =>
          `complete -c conclave${where(seen)} -l ${name.slice(2)}${takesValue ? ' -r' : ''} -d ${quoted(summary)}`,
      ),
    ];
  });
  return ['# conclave: completion for fish', ...lines].join('\n');
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path} ${name}`;
}

/** For a shell, as one word. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\\\''")}'`;
}
