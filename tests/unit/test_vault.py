"""The vault: an age file that only its key file opens."""

import json
import threading
from pathlib import Path

import pyrage
import pytest

from bastion.auth.credential import Credential, read_credential
from bastion.auth.vault import Vault
from bastion.errors import VaultUnusable

CANARY = "canary-secret-7f3a"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return Vault(path=tmp_path / "vault.age", key_file=tmp_path / "vault.key")


def credential(name: str = "main", secret: str = CANARY) -> Credential:
    return Credential(name=name, fields={"apiKey": "the-key", "secret": secret})


def test_what_was_put_comes_back_and_the_key_file_is_made_private(vault: Vault) -> None:
    assert vault.names() == ()
    assert vault.put(credential()) is False
    assert vault.put(credential()) is True
    assert vault.names() == ("main",)
    assert vault.credential("main").fields == {"apiKey": "the-key", "secret": CANARY}
    assert vault.key_file.stat().st_mode & 0o777 == 0o600
    assert vault.path.stat().st_mode & 0o777 == 0o600


def test_the_vault_is_an_ordinary_age_file(vault: Vault) -> None:
    vault.put(credential())
    sealed = vault.path.read_bytes()
    assert sealed.startswith(b"age-encryption.org/v1")
    assert CANARY.encode() not in sealed
    secret_line = next(line for line in vault.key_file.read_text().splitlines() if not line.startswith("#"))
    plain = pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(secret_line)])
    assert json.loads(plain)["main"]["secret"] == CANARY


def test_a_key_file_that_others_can_read_is_refused_with_the_cure(vault: Vault) -> None:
    vault.put(credential())
    vault.key_file.chmod(0o644)
    with pytest.raises(VaultUnusable, match="chmod 600"):
        vault.credential("main")


def test_a_wrong_or_missing_key_file_opens_nothing_and_changes_nothing(vault: Vault, tmp_path: Path) -> None:
    vault.put(credential())
    before = vault.path.read_bytes()
    other = Vault(path=vault.path, key_file=tmp_path / "other.key")
    with pytest.raises(VaultUnusable, match="does not"):
        other.put(credential("second"))
    other.key_file.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    other.key_file.chmod(0o600)
    with pytest.raises(VaultUnusable, match="another key"):
        other.credential("main")
    other.key_file.write_text("nonsense\n")
    with pytest.raises(VaultUnusable, match="no age identity"):
        other.credential("main")
    assert vault.path.read_bytes() == before


def test_a_damaged_vault_is_said_to_be_damaged(vault: Vault) -> None:
    vault.put(credential())
    vault.path.write_bytes(vault.path.read_bytes()[:-5])
    with pytest.raises(VaultUnusable, match="damaged"):
        vault.names()


def test_a_missing_credential_names_the_command_that_stores_it(vault: Vault) -> None:
    with pytest.raises(VaultUnusable, match="bastion vault put main --from-stdin"):
        vault.credential("main")
    with pytest.raises(VaultUnusable, match="no credential"):
        vault.remove("main")


@pytest.mark.parametrize("name", ["", "-x", "a b", "x" * 65, "../x"])
def test_a_bad_name_stores_nothing(vault: Vault, name: str) -> None:
    with pytest.raises(VaultUnusable, match="name"):
        vault.put(credential(name))
    assert not vault.path.exists()


def test_writers_at_the_same_time_lose_nothing(vault: Vault) -> None:
    vault.put(credential("first"))
    threads = [
        threading.Thread(target=vault.put, args=(credential(f"c{number}"),), daemon=True)
        for number in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
    assert len(vault.names()) == 13


def test_removing_leaves_the_others(vault: Vault) -> None:
    vault.put(credential("a"))
    vault.put(credential("b"))
    vault.remove("a")
    assert vault.names() == ("b",)
    assert [path for path in vault.path.parent.iterdir() if path.suffix == ".new"] == []


@pytest.mark.parametrize(
    "text",
    [
        '{"api_key": "K", "secret": "S"}',
        '{"apiKey": "K", "secretKey": "S"}',
        '{"key": "K", "api_secret": "S"}',
        '{"apiKey": "K", "apiSecret": "S", "passphrase": null}',
        '{"binance": {"apiKey": "K", "secret": "S"}}',
        "api_key=K\nsecret=S\n",
        "API-KEY: K\nSECRET-KEY: S",
        "apiKey = 'K'\nsecret = \"S\"",
        '[bybit]\napi_key = "K"\nsecret = "S"\n',
        "# from the venue\nkey=K\nsecret=S",
        "K\nS\n",
        "\ufeffK\r\nS\r\n",
    ],
)
def test_a_credential_is_read_in_the_forms_that_people_have_it(text: str) -> None:
    assert read_credential("x", text).fields == {"apiKey": "K", "secret": "S"}


def test_two_bare_lines_may_end_in_equal_signs_as_base64_does() -> None:
    assert read_credential("x", "a2V5\nc2VjcmV0==\n").fields == {"apiKey": "a2V5", "secret": "c2VjcmV0=="}


@pytest.mark.parametrize("form", ["{0} = {1}", '{0} = "{1}"', "{0}: {1}", "{0}={1}"])
def test_a_wallet_and_its_agents_key_are_read_with_and_without_quotes(form: str) -> None:
    # Hex digits without quotes are a number to TOML.
    wallet, key = "0x" + "ab" * 20, "0x" + "12" * 32
    text = form.format("wallet_address", wallet) + "\n" + form.format("private_key", key) + "\n"
    assert read_credential("x", text).fields == {"walletAddress": wallet, "privateKey": key}


def test_a_wallet_and_a_passphrase_are_read() -> None:
    read = read_credential("x", '{"walletAddress": "0xabc", "private_key": "P", "password": "W"}')
    assert read.fields == {"walletAddress": "0xabc", "privateKey": "P", "password": "W"}
    assert set(read.secrets) == {"P", "W"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one line",
        f'{{"api_key": "{CANARY}"}}',
        f'{{"api_key": "{CANARY}", "secret": 5}}',
        f'["{CANARY}"]',
        f'{{"api_key": "{CANARY}", ',
        f"api_key={CANARY}\nsecret={CANARY}\nnonsense={CANARY}",
        f"a={CANARY}\nb={CANARY}\nc={CANARY}",
        f'{{"api_key": "{CANARY}", "apiKey": "{CANARY}", "secret": "{CANARY}"}}',
    ],
)
def test_what_is_no_credential_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(VaultUnusable, match="Nothing was stored") as caught:
        read_credential("x", text)
    assert CANARY not in str(caught.value)


def test_a_credential_s_repr_holds_no_value() -> None:
    assert CANARY not in repr(credential())
