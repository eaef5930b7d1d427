"""Who opened something again is named by the part of the client id that all orders of a program share."""

import pytest

from bastion.exits.reopenings import prefix


@pytest.mark.parametrize(
    ("client_id", "shown"),
    [
        ("gridbot-0001", "gridbot-"),
        ("x-cvBPrNm9abcdef0123", "x-"),
        ("a_b_c123456", "a_b_"),
        ("e847386590ce4dBC1234567890", "e847386590"),
        ("0x67726964626f742d", "0x67726964"),
        ("bot1", "bot1"),
        ("-odd", "-odd"),
        ("", ""),
    ],
)
def test_the_shared_beginning_of_a_client_id_is_shown(client_id: str, shown: str) -> None:
    assert prefix(client_id) == shown
