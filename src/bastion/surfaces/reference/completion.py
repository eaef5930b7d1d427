"""Completion: the scripts by which bash, zsh and fish complete commands, flags and their words."""

import shlex
from collections.abc import Callable, Iterator, Mapping

from bastion.surfaces.reference.command import Command, Flag, commands


def script(shell: str) -> str:
    """Return the completion script of a shell: bash, zsh or fish."""
    return _SCRIPTS[shell](commands())


def _words(command: Command) -> list[str]:
    operands = [word for operand in command.operands for word in operand.choices]
    return [*operands, *(flag.name for flag in command.flags), "--help"]


def _tops(found: tuple[Command, ...]) -> list[Command]:
    return [command for command in found if len(command.words) == 1]


_BASH = """\
# bash completion for bastion. Load it with: source <(bastion completion bash)
_bastion() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} path=${COMP_WORDS[1]} words= files=
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    COMPREPLY=($(compgen -W "@TOPS@ --help --version" -- "$cur"))
    return
  fi
  case $path in
    @GROUPS@)
      if (( COMP_CWORD > 2 )); then path="$path ${COMP_WORDS[2]}"; fi ;;
  esac
  case "$path $prev" in
@VALUES@
  esac
  case $path in
@WORDS@
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
  if [[ -n $files && $cur != -* ]]; then COMPREPLY=($(compgen -f -- "$cur")); fi
}
complete -o filenames -F _bastion bastion
"""


def _bash(found: tuple[Command, ...]) -> str:
    values, words = [], []
    for command in found:
        if command.parts:
            words.append(f'    {command.name}) words="{" ".join(command.parts)} --help" ;;')
            continue
        files = " files=1" if any(operand.file for operand in command.operands) else ""
        words.append(f'    "{command.name}") words="{" ".join(_words(command))}"{files} ;;')
        for flag in command.flags:
            if flag.value:
                told = f'"{" ".join(flag.choices)}"' if flag.choices else '""'
                reply = "-f" if flag.file else f"-W {told}"
                at = f'"{command.name} {flag.name}"'
                values.append(f'    {at}) COMPREPLY=($(compgen {reply} -- "$cur")); return ;;')
    return (
        _BASH.replace("@TOPS@", " ".join(command.name for command in _tops(found)))
        .replace("@GROUPS@", "|".join(command.name for command in found if command.parts))
        .replace("@VALUES@", "\n".join(values))
        .replace("@WORDS@", "\n".join(words))
    )


_ZSH = """\
#compdef bastion
# zsh completion for bastion. Load it with: source <(bastion completion zsh), after compinit.
_bastion() {
  local -a found
  local cmd=${words[2]}
  if (( CURRENT == 2 )); then
    found=(
@TOPS@
    )
    _describe command found
    return
  fi
  case $cmd in
    @GROUPS@)
      if (( CURRENT == 3 )); then
        case $cmd in
@PARTS@
        esac
        _describe command found
        return
      fi
      cmd="$cmd ${words[3]}"
      shift 2 words; (( CURRENT -= 2 )) ;;
    *) shift words; (( CURRENT -= 1 )) ;;
  esac
  case $cmd in
@WORDS@
  esac
}
if [[ $funcstack[1] == _bastion ]]; then _bastion "$@"; else compdef _bastion bastion; fi
"""


def _zsh(found: tuple[Command, ...]) -> str:
    def told(commands: Iterator[Command], indent: int) -> str:
        return "\n".join(
            " " * indent + shlex.quote(f"{one.words[-1]}:{one.brief.replace(':', chr(92) + ':')}")
            for one in commands
        )

    parts = []
    words = []
    for command in found:
        if command.parts:
            inner = told((one for one in found if one.words[:-1] == command.words), 12)
            parts.append(f"          {command.name}) found=(\n{inner}\n          ) ;;")
            continue
        specs = [shlex.quote(_zsh_flag(flag)) for flag in command.flags]
        specs += [shlex.quote(_zsh_operand(one.name, one.choices, file=one.file)) for one in command.operands]
        specs.append(shlex.quote("--help[show what is understood]"))
        joined = " \\\n        ".join(specs)
        words.append(f'    "{command.name}") _arguments \\\n        {joined} ;;')
    return (
        _ZSH.replace("@TOPS@", told(iter(_tops(found)), 6))
        .replace("@GROUPS@", "|".join(command.name for command in found if command.parts))
        .replace("@PARTS@", "\n".join(parts))
        .replace("@WORDS@", "\n".join(words))
    )


def _zsh_flag(flag: Flag) -> str:
    text = flag.text.replace("[", "(").replace("]", ")").replace(":", " -")
    repeat = "*" if flag.repeats else ""
    if not flag.value:
        return f"{repeat}{flag.name}[{text}]"
    value = _zsh_value(flag.value, flag.choices, file=flag.file)
    # Two colons: the value may be left out.
    return f"{repeat}{flag.name}[{text}]{'::' if flag.value.startswith('[') else ':'}{value}"


def _zsh_operand(name: str, choices: tuple[str, ...], *, file: bool) -> str:
    return f":{_zsh_value(name, choices, file=file)}"


def _zsh_value(name: str, choices: tuple[str, ...], *, file: bool) -> str:
    word = name.strip("[]").lower()
    return f"{word}:({' '.join(choices)})" if choices else f"{word}:_files" if file else f"{word}: "


def _fish(found: tuple[Command, ...]) -> str:
    lines = ["# fish completion for bastion. Load it with: bastion completion fish | source"]
    for command in found:
        path = command.words
        before = "__fish_use_subcommand" if len(path) == 1 else _fish_seen(path[:-1], found)
        lines.append(f"complete -c bastion -f -n {_q(before)} -a {_q(path[-1])} -d {_q(command.brief)}")
        if command.parts:
            continue
        seen = _fish_seen(path, found)
        for operand in command.operands:
            if operand.choices:
                lines.append(f"complete -c bastion -f -n {_q(seen)} -a {_q(' '.join(operand.choices))}")
            elif operand.file:
                lines.append(f"complete -c bastion -F -n {_q(seen)}")
        lines += [f"complete -c bastion -n {_q(seen)} {_fish_flag(flag)}" for flag in command.flags]
    return "\n".join(lines) + "\n"


def _fish_seen(path: tuple[str, ...], found: tuple[Command, ...]) -> str:
    first = f"__fish_seen_subcommand_from {path[0]}"
    if len(path) > 1:
        return f"{first}; and __fish_seen_subcommand_from {path[1]}"
    group = next(command for command in found if command.words == path)
    return f"{first}; and not __fish_seen_subcommand_from {' '.join(group.parts)}" if group.parts else first


def _fish_flag(flag: Flag) -> str:
    told = f"-l {flag.name.removeprefix('--')} -d {_q(flag.text)}"
    if not flag.value:
        return f"-f {told}"
    if flag.choices:
        return f"-x {told} -a {_q(' '.join(flag.choices))}"
    return f"-r -F {told}" if flag.file else f"-x {told}"


def _q(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_SCRIPTS: Mapping[str, Callable[[tuple[Command, ...]], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
