"""CLI: the page docs/reference/cli.md."""

from collections.abc import Iterator

from bastion.surfaces.reference.answers import names_of
from bastion.surfaces.reference.command import CODES, Command, Flag, commands

_HEAD = """\
# Commands

<!-- Written by `make docs`; a test holds it to the code. -->

Every command answers `--help`; `bastion --version` tells the version. Without a configuration the embedded
paper exchange is used. With `--json` there is exactly one JSON document on standard output, also for a
refusal (`{"error": {"code": ..., "message": ...}}`); `bastion schema` lists the published schemas and
`bastion schema NAME` prints one. `exit`, `halt`, `status` and `positions` ask the daemon where one serves
this state directory, and do the work themselves where none does. A flag of `exit`, `halt`, `status`,
`positions` or `demo` is never shortened.

| variable | meaning | default |
|---|---|---|
| `BASTION_CONFIG` | the configuration file | `bastion.toml` in the state directory, where there is one |
| `BASTION_HOME` | the state directory: vault, journals, keys, socket | the platform's user data directory |
| `BASTION_VAULT_KEY_FILE` | the vault's X25519 key file, mode 0600 | `vault.key` in the state directory |
| `BASTION_API_KEY` | a `bst_` key for `bastion mcp` | none |

## Exit codes

| code | meaning |
|---|---|
"""


def page() -> str:
    """Return the page."""
    found = [command for command in commands() if not command.parts]
    codes = [f"| {code.value} | {text} |" for code, text in CODES.items()]
    index = [f"| [`{one.name}`](#{_anchor(one)}) | {one.summary} |" for one in found]
    return "\n".join(
        [
            _HEAD + "\n".join(codes),
            "\n## All of them\n\n| command | |\n|---|---|",
            *index,
            *(line for command in found for line in _section(command)),
            "",
        ]
    )


def _anchor(command: Command) -> str:
    return f"bastion-{'-'.join(command.words)}"


def _section(command: Command) -> Iterator[str]:
    yield f"\n## `bastion {command.name}`\n"
    yield f"```text\n{command.usage}\n```\n"
    yield command.text
    if command.words == ("paper", "serve"):
        yield "\nIts flags are those of the [paper exchange](paper-exchange.md)."
    if command.operands or command.flags:
        yield "\n| | |\n|---|---|"
    for operand in command.operands:
        words = _one_of(operand.choices)
        yield f"| `{operand.name}` | {' '.join(part for part in (operand.text, words) if part)} |"
    for flag in command.flags:
        yield f"| `{flag.name}{' ' if flag.value else ''}{flag.value}` | {_told(flag)} |"
    yield f"\nExit codes: {', '.join(str(code.value) for code in command.codes)}."
    names = names_of(command.words)
    if names:
        yield f"Schemas of its `--json`: {', '.join(f'`{name}`' for name in names)}."


def _told(flag: Flag) -> str:
    parts = [
        f"{flag.text[:1].upper()}{flag.text[1:]}".rstrip(".") + "." if flag.text else "",
        _one_of(flag.choices),
        "Required." if flag.needed else "",
        "May be repeated." if flag.repeats else "",
        f"Default: `{flag.default}`." if flag.default else "",
    ]
    return " ".join(part for part in parts if part).replace("|", "\\|")


def _one_of(choices: tuple[str, ...]) -> str:
    return f"One of {', '.join(f'`{word}`' for word in choices)}." if choices else ""
