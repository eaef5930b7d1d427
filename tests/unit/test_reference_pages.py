"""The generated pages, schemas, man page and completions say what the code says."""

import json
import re
import shutil
import subprocess
import tomllib
from dataclasses import fields
from decimal import Decimal
from pathlib import Path

import jsonschema
import pytest

from bastion.config import parse_config
from bastion.errors import ConfigInvalid
from bastion.surfaces.cli.codes import Code
from bastion.surfaces.reference.answers import ANSWERS, EXIT
from bastion.surfaces.reference.command import CODES, Command, commands
from bastion.surfaces.reference.figures import LABELS_OF
from bastion.surfaces.reference.pages import made
from bastion.surfaces.reference.refusals import FAULT_TEXT
from bastion.surfaces.reference.settings import Setting, settings
from bastion.surfaces.rest.metrics import METRICS
from bastion.surfaces.schemas import exit_schema, schema_names, schema_text

ROOT = Path(__file__).resolve().parents[2]
MADE = made()
COMMANDS = commands()
PLAIN = [command for command in COMMANDS if not command.parts]
SETTINGS = list(settings())


@pytest.mark.parametrize("name", MADE)
def test_the_file_is_the_one_that_the_code_makes(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == MADE[name], "`make docs` writes it"


def test_every_command_is_told_with_all_its_flags_wherever_commands_are_told() -> None:
    assert {"exit", "halt", "status", "positions", "keys create"} <= {command.name for command in PLAIN}
    page = MADE["docs/reference/cli.md"]
    manual = MADE["packaging/man/bastion.1"].replace("\\-", "-")
    for command in PLAIN:
        section = page.partition(f"\n## `bastion {command.name}`\n")[2].partition("\n## ")[0]
        told = manual.partition(f".SS bastion {command.name}")[2].partition(".SS ")[0]
        assert section, command.name
        assert told, command.name
        for flag in command.flags:
            assert f"`{flag.name}" in section, (command.name, flag.name)
            assert f"\\fB{flag.name}\\fR" in told, (command.name, flag.name)
            assert flag.text, (command.name, flag.name)


@pytest.mark.parametrize("name", ["exit", "halt", "status", "positions"])
def test_the_help_of_the_program_shows_the_emergency_with_all_its_flags(name: str) -> None:
    done = subprocess.run(
        [str(Path(shutil.which("bastion") or ROOT / ".venv" / "bin" / "bastion")), "--help"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    usage = re.sub(r"\s+", " ", done.stdout).partition(f" bastion {name} [-h]")[2].partition(" bastion ")[0]
    [command] = [one for one in PLAIN if one.name == name]
    assert all(flag.name in usage for flag in command.flags), usage


def test_every_exit_code_and_kind_of_refusal_has_a_meaning() -> None:
    assert set(CODES) == set(Code)
    assert all(FAULT_TEXT.values())
    assert all(set(command.codes) <= set(Code) for command in PLAIN)


def refused(setting: Setting, value: str) -> bool:
    """Whether the reader of the file refuses the value at the setting's own place."""
    account = '[[account]]\nname = "a"\nvenue = "strike"\ncredential = "a"\n'
    table = "" if setting.table == "account" else f"[{setting.table}]\n"
    try:
        parse_config(f"{account}{table}{setting.name} = {value}\n", path=Path("bastion.toml"))
    except ConfigInvalid as error:
        return f"{setting.name}: must be" in str(error)
    return False


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda one: f"{one.table}.{one.name}")
def test_the_bounds_of_a_setting_are_those_that_the_file_is_held_to(setting: Setting) -> None:
    if setting.least is None or setting.most is None:
        return
    step = Decimal(1) if setting.whole else Decimal("0.01")
    assert refused(setting, str(setting.least - step))
    assert refused(setting, str(setting.most + step))
    assert not refused(setting, str(setting.least))
    assert not refused(setting, str(setting.most))
    assert refused(setting, str(setting.least + Decimal("0.5"))) is setting.whole


def test_the_page_has_every_setting_that_the_reader_of_the_file_knows() -> None:
    for table in ("account", "exit", "vault", "engine"):
        head = '[[account]]\nname = "a"\nvenue = "strike"\ncredential = "a"\n'
        text = f"{head}{'' if table == 'account' else f'[{table}]'}\nnonsense_ = 1\n"
        assert tomllib.loads(text)
        with pytest.raises(ConfigInvalid) as caught:
            parse_config(text, path=Path("bastion.toml"))
        known = str(caught.value).partition("allowed here: ")[2].rstrip(".").split(", ")
        assert sorted(known) == sorted(one.name for one in SETTINGS if one.table == table)


def test_every_figure_with_labels_is_a_figure_of_the_page() -> None:
    assert set(LABELS_OF) <= set(METRICS)


def test_every_command_with_json_has_a_published_schema() -> None:
    told = {words for answer in ANSWERS for words in answer.words}
    assert {command.words for command in PLAIN if "--json" in {flag.name for flag in command.flags}} <= told
    assert set(schema_names()) == {answer.name for answer in ANSWERS}
    for name in schema_names():
        jsonschema.Draft202012Validator.check_schema(json.loads(schema_text(name)))


def test_the_schema_of_an_exit_has_the_fields_of_its_report() -> None:
    [answer] = [one for one in ANSWERS if one.name == EXIT]
    assert set(exit_schema()["properties"]) == {field.name for field in fields(answer.shape)}


def completed_by_bash(line: str) -> set[str]:
    """What bash offers for the last word of the line."""
    script = ROOT / "packaging" / "completion" / "bastion.bash"
    text = (
        f'source "{script}"; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); '
        '_bastion; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, check=True, timeout=20)
    return set(done.stdout.split())


def completed_by_fish(line: str) -> set[str]:
    """What fish offers for the last word of the line."""
    script = ROOT / "packaging" / "completion" / "bastion.fish"
    text = f"source {script}; complete -C '{line}'"
    done = subprocess.run(["fish", "-c", text], capture_output=True, text=True, check=True, timeout=20)
    return {row.partition("\t")[0] for row in done.stdout.splitlines()}


def flags_of(command: Command) -> set[str]:
    return {flag.name for flag in command.flags}


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_reads_its_completion_without_complaint(shell: str) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed here")
    name = {"bash": "bastion.bash", "zsh": "_bastion", "fish": "bastion.fish"}[shell]
    file = ROOT / "packaging" / "completion" / name
    done = subprocess.run([program, "-n", str(file)], capture_output=True, text=True, check=False, timeout=20)
    assert (done.returncode, done.stderr) == (0, "")


def test_bash_offers_every_command_and_for_each_all_of_its_flags() -> None:
    assert {command.words[0] for command in COMMANDS} <= completed_by_bash("bastion ''")
    for command in (
        one for one in PLAIN if one.name in {"exit", "halt", "status", "positions", "keys create"}
    ):
        assert flags_of(command) <= completed_by_bash(f"bastion {command.name} --")
    assert completed_by_bash("bastion exit --side ''") == {"long", "short"}
    assert completed_by_bash("bastion keys ''") == {"create", "list", "revoke", "rotate", "--help"}
    assert completed_by_bash("bastion exit --no") == {"--no-hold", "--now"}


def test_fish_offers_every_command_and_for_each_all_of_its_flags() -> None:
    if shutil.which("fish") is None:
        pytest.skip("fish is not installed here")
    assert {command.words[0] for command in COMMANDS} <= completed_by_fish("bastion ")
    for command in (
        one for one in PLAIN if one.name in {"exit", "halt", "status", "positions", "keys create"}
    ):
        assert flags_of(command) <= completed_by_fish(f"bastion {command.name} --")
    assert completed_by_fish("bastion exit --side ") == {"long", "short"}
    assert completed_by_fish("bastion keys ") == {"create", "list", "revoke", "rotate"}


def test_zsh_is_told_every_command_and_for_each_all_of_its_flags() -> None:
    text = MADE["packaging/completion/_bastion"]
    for command in PLAIN:
        section = text.partition(f'    "{command.name}") _arguments')[2].partition(";;")[0]
        assert all(f"{flag}[" in section for flag in flags_of(command)), command.name


def test_the_man_page_is_set_without_a_warning() -> None:
    program = shutil.which("groff")
    if program is None:
        pytest.skip("groff is not installed here")
    page = ROOT / "packaging" / "man" / "bastion.1"
    done = subprocess.run(
        [program, "-man", "-Tutf8", "-ww", str(page)], capture_output=True, text=True, check=True, timeout=30
    )
    assert done.stderr == ""
    assert "--stops-too" in re.sub(r"\x1b\[\d*m|.\x08", "", done.stdout)
