"""Manual: the page bastion(1), in the man macros."""

from collections.abc import Iterator

from bastion.surfaces.cli.view import version
from bastion.surfaces.reference.command import CODES, Command, commands

ENVIRONMENT = (
    ("BASTION_CONFIG", "The configuration file."),
    ("BASTION_HOME", "The state directory: vault, journals, keys, socket."),
    ("BASTION_VAULT_KEY_FILE", "The vault's X25519 key file, mode 0600."),
    ("BASTION_API_KEY", "A bst_ key for bastion mcp."),
)


def page() -> str:
    """Return the manual page."""
    lines = [
        f'.TH BASTION 1 "" "bastion {version()}" "User Commands"',
        ".SH NAME",
        "bastion \\- the emergency exit of leveraged trading",
        ".SH SYNOPSIS",
        ".B bastion",
        ".I COMMAND",
        "[...]",
        ".SH DESCRIPTION",
        "One action closes every open position on every connected exchange and proves that nothing is left.",
        "Without a configuration it works on embedded paper exchanges.",
        ".SH COMMANDS",
        *(line for command in commands() if not command.parts for line in _section(command)),
        ".SH EXIT STATUS",
        *(line for code, text in CODES.items() for line in (".TP", f".B {code.value}", _safe(text))),
        ".SH ENVIRONMENT",
        *(line for name, text in ENVIRONMENT for line in (".TP", f".B {name}", _safe(text))),
    ]
    return "\n".join(lines) + "\n"


def _section(command: Command) -> Iterator[str]:
    yield f".SS {_safe(command.usage)}"
    yield _safe(command.summary)
    for operand in command.operands:
        yield from (".TP", f".I {_safe(operand.name)}", _safe(_told(operand.text, operand.choices)))
    for flag in command.flags:
        value = f" \\fI{_safe(flag.value)}\\fR" if flag.value else ""
        default = f" Default: {flag.default}." if flag.default else ""
        text = _told(flag.text, flag.choices) + default
        yield from (".TP", f"\\fB{_safe(flag.name)}\\fR{value}", _safe(text))


def _told(text: str, choices: tuple[str, ...]) -> str:
    sentence = f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""
    return f"{sentence} One of {', '.join(choices)}.".strip() if choices else sentence or "\\&"


def _safe(text: str) -> str:
    # A dash is a hyphen to roff unless it is escaped, and a leading dot or quote is a request.
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("\\e&", "\\&")
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe
