// The scripts of `credpool completion`: for each shell the same few steps over the same table. Commands, options and fixed values
// are in the script, so that no process is started for them; only providers and profiles are asked for.
import type { Choice } from "./command.js";

export type Shell = "bash" | "zsh" | "fish" | "powershell";
export const SHELLS: readonly Shell[] = ["bash", "zsh", "fish", "powershell"];

/** What is known of a command. */
export interface Entry {
  readonly name: string;
  readonly summary: string;
  /** All of its options, as they are typed. */
  readonly options: readonly string[];
  /** Those that want a value, and what that is, where it can be said. */
  readonly valued: readonly { readonly option: string; readonly choice: Choice | undefined }[];
  /** What its words are, one after the other; `"..."` at the end: the last may be repeated. */
  readonly words: readonly (Choice | "...")[];
}

export function scriptFor(shell: Shell, entries: readonly Entry[]): string {
  const table = tableOf(entries);
  return { bash, zsh, fish, powershell }[shell](table);
}

/** What is looked up is written `@profile`, `@provider`, `@file`; fixed words are written out. */
interface Table {
  readonly commands: readonly Entry[];
  /** `COMMAND:OPTION` of all options that want a value. */
  readonly valued: readonly string[];
  /** What may stand at `COMMAND:OPTION` behind the option, and at `COMMAND:N` as its word N. */
  readonly choices: readonly (readonly [place: string, choice: string])[];
}

function tableOf(entries: readonly Entry[]): Table {
  const help: Entry = { name: "help", summary: "show help", options: [], valued: [], words: ["command"] };
  const commands = [...entries, help];
  const names = commands.map(({ name }) => name).join(" ");
  const written = (choice: Choice): string => (choice === "command" ? names : typeof choice === "string" ? `@${choice}` : choice.join(" "));
  const choices: [string, string][] = [[":0", names]];
  for (const { name, valued, words } of commands) {
    for (const { option, choice } of valued) if (choice !== undefined) choices.push([`${name}:${option}`, written(choice)]);
    words.forEach((word, at) => {
      const before = words[at - 1];
      if (word !== "...") choices.push([`${name}:${at}`, written(word)]);
      else if (before !== undefined && before !== "...") choices.push([`${name}:*`, written(before)]);
    });
  }
  return { commands, valued: commands.flatMap(({ name, valued }) => valued.map(({ option }) => `${name}:${option}`)), choices };
}

/** The steps of bash and zsh, in what both understand. */
const POSIX = ({ commands, valued, choices }: Table): string => `_credpool_kind() {
  case $1 in
${choices.map(([place, choice]) => `    ${place}) kind='${choice}' ;;`).join("\n")}
  esac
}

_credpool_options() {
  case $1 in
    '') kind='--help --version' ;;
${commands.map(({ name, options }) => `    ${name}) kind='${options.join(" ")}' ;;`).join("\n")}
  esac
}

# Takes in a word before the one that is typed, and the one behind it.
_credpool_word() {
  case $command:$1 in
    ${valued.join(" | ")})
      option=$1
      if [[ $1 = --store ]]; then store=$2; fi ;;
    *:-*) ;;
    :*) command=$1 ;;
    *) ((at += 1)) ;;
  esac
}`;

const bash = (table: Table): string => `# credpool, for bash: eval "$(credpool completion bash)", in ~/.bashrc

${POSIX(table)}

_credpool() {
  local words=() cur command='' store='' option='' kind='' at=0 i found
  # Not COMP_WORDS: a colon is a word of its own there. The x keeps an empty last word.
  read -a words <<< "\${COMP_LINE:0:COMP_POINT}x"
  cur=\${words[\${#words[@]}-1]%x}
  for ((i = 1; i < \${#words[@]} - 1; i++)); do
    if [[ -n $option ]]; then option=''; else _credpool_word "\${words[i]}" "\${words[i+1]%x}"; fi
  done
  if [[ -n $option ]]; then
    _credpool_kind "$command:$option"
  elif [[ $cur = -* ]]; then
    _credpool_options "$command"
  else
    _credpool_kind "$command:$at"
    if [[ -z $kind ]]; then _credpool_kind "$command:*"; fi
  fi
  COMPREPLY=()
  if [[ $kind = @file ]]; then
    compopt -o default 2> /dev/null
    return
  fi
  while IFS= read -r found; do
    if [[ -n $found && $found = "$cur"* ]]; then COMPREPLY+=("$(printf %q "$found")"); fi
  done < <(
    if [[ $kind = @* ]]; then
      if [[ -n $store ]]; then credpool completion --list "\${kind#@}" --store "\${store/#\\~\\//$HOME/}"; else credpool completion --list "\${kind#@}"; fi 2> /dev/null
    else
      printf '%s\\n' $kind
    fi
  )
  # What stands before a colon is typed, for bash, and is not to be answered.
  if [[ $cur = *:* && $COMP_WORDBREAKS = *:* ]]; then
    local head
    head=$(printf %q "\${cur%"\${cur##*:}"}")
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]=\${COMPREPLY[i]#"$head"}; done
  fi
}
complete -F _credpool credpool`;

const zsh = (table: Table): string => `#compdef credpool
# credpool, for zsh: source <(credpool completion zsh), in ~/.zshrc behind compinit

${POSIX(table)}

_credpool() {
  local command='' store='' option='' kind='' at=0 i
  local -a found
  for ((i = 2; i < CURRENT; i++)); do
    if [[ -n $option ]]; then option=''; else _credpool_word "\${(Q)words[i]}" "\${(Q)words[i+1]}"; fi
  done
  if [[ -n $option ]]; then
    _credpool_kind "$command:$option"
  elif [[ \${words[CURRENT]} = -* ]]; then
    _credpool_options "$command"
  else
    _credpool_kind "$command:$at"
    if [[ -z $kind ]]; then _credpool_kind "$command:*"; fi
  fi
  case $kind in
    @file) _files ;;
    @*)
      if [[ -n $store ]]; then found=("\${(@f)$(credpool completion --list "\${kind#@}" --store "\${store/#\\~\\//$HOME/}" 2> /dev/null)}"); else found=("\${(@f)$(credpool completion --list "\${kind#@}" 2> /dev/null)}"); fi
      found=("\${(@)found:#}")
      compadd -a found ;;
    ?*)
      found=(\${=kind})
      compadd -a found ;;
  esac
}
if [[ \${funcstack[1]} = _credpool ]]; then _credpool "$@"; else compdef _credpool credpool; fi`;

const fish = ({ commands, valued, choices }: Table): string => `# credpool, for fish: credpool completion fish > ~/.config/fish/completions/credpool.fish

function __credpool_kind
    switch $argv[1]
${choices.filter(([place]) => place !== ":0").map(([place, choice]) => `        case '${place.endsWith("*") ? `${place.slice(0, -1)}\\*` : place}'\n            echo '${choice}'`).join("\n")}
    end
end

function __credpool_options
    switch $argv[1]
        case ''
            printf '%s\\n' --help --version
${commands.filter(({ options }) => options.length > 0).map(({ name, options }) => `        case ${name}\n            printf '%s\\n' ${options.join(" ")}`).join("\n")}
    end
end

function __credpool
    set -l words (commandline -opc)
    set -l cur (commandline -ct)
    set -l command ''
    set -l store ''
    set -l option ''
    set -l at 0
    set -e words[1]
    for word in $words
        if test -n "$option"
            if test "$option" = --store
                set store $word
            end
            set option ''
            continue
        end
        switch "$command:$word"
            case ${valued.map((place) => `'${place}'`).join(" ")}
                set option $word
            case '*:-*'
            case ':*'
                set command $word
            case '*'
                set at (math $at + 1)
        end
    end
    set -l kind
    if test -n "$option"
        set kind (__credpool_kind "$command:$option")
    else if string match -q -- '-*' "$cur"
        __credpool_options "$command"
        return
    else
        set kind (__credpool_kind "$command:$at")
        if test -z "$kind"
            set kind (__credpool_kind "$command:*")
        end
    end
    switch "$kind"
        case ''
        case @file
            __fish_complete_path "$cur"
        case '@*'
            set -l what (string sub -s 2 -- $kind)
            if test -n "$store"
                credpool completion --list $what --store $store 2>/dev/null
            else
                credpool completion --list $what 2>/dev/null
            end
        case '*'
            string split ' ' -- $kind
    end
end
complete -c credpool -f -a '(__credpool)'
${commands.map(({ name, summary }) => `complete -c credpool -n __fish_use_subcommand -a ${name} -d '${summary.replaceAll("'", "\\'")}'`).join("\n")}`;

const powershell = ({ commands, valued, choices }: Table): string => `# credpool, for PowerShell: credpool completion powershell | Out-String | Invoke-Expression, in your $PROFILE

Register-ArgumentCompleter -Native -CommandName credpool -ScriptBlock {
  param($typed, $line, $position)
  $choices = @{
${choices.map(([place, choice]) => `    '${place}' = '${choice}'`).join("\n")}
  }
  $options = @{
    '' = '--help --version'
${commands.filter(({ options }) => options.length > 0).map(({ name, options }) => `    '${name}' = '${options.join(" ")}'`).join("\n")}
  }
  $valued = @(${valued.map((place) => `'${place}'`).join(", ")})
  $command = ''; $store = ''; $option = ''; $at = 0
  $words = @($line.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value } else { $_.Extent.Text } })
  foreach ($word in $words) {
    if ($option) { if ($option -eq '--store') { $store = $word }; $option = ''; continue }
    if ($valued -contains "\${command}:\${word}") { $option = $word }
    elseif ($word.StartsWith('-')) { }
    elseif (-not $command) { $command = $word }
    else { $at += 1 }
  }
  if ($option) { $kind = $choices["\${command}:\${option}"] }
  elseif ($typed.StartsWith('-')) { $kind = $options[$command] }
  else {
    $kind = $choices["\${command}:\${at}"]
    if (-not $kind) { $kind = $choices["\${command}:*"] }
  }
  if (-not $kind -or $kind -eq '@file') { return }
  $found = if (-not $kind.StartsWith('@')) { $kind.Split(' ') }
    elseif ($store) { credpool completion --list $kind.Substring(1) --store $store 2> $null }
    else { credpool completion --list $kind.Substring(1) 2> $null }
  $found | Where-Object { $_ -and $_.StartsWith($typed) } | ForEach-Object {
    $text = if ($_ -match '^[\\w:@.+/-]+$') { $_ } else { "'" + $_.Replace("'", "''") + "'" }
    [System.Management.Automation.CompletionResult]::new($text, $_, 'ParameterValue', $_)
  }
}`;
