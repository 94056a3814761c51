"""HashiCorp Vault keeps the key that opens the key file: tried over HTTP on loopback."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import hvac
import pytest

from crm_adapters.keys import HeldKey, LocalVault, guard_of, protecting
from crm_adapters.keys.transit import Transit
from crm_core.errors import Invalid, KeysLocked, StoreUnreachable
from crm_core.kernel.sealed import Erased, KeyMissing, Personal, Place, Plain, Sealed
from crm_core.ports import KeyVault
from crm_core.testing.contracts import KeyVaultContract
from keys.transit_server import TransitServer

pytestmark = pytest.mark.rule("PRV-03")

PLACE = Place("household/V00001", 1, "name")
OWNER = Personal("V1#owner", "王小明")


@pytest.fixture
def server() -> Iterator[TransitServer]:
    server = TransitServer()
    yield server
    server.close()


def of(server: TransitServer, key: str = "crm", token: str = "s.test") -> Transit:
    return Transit(hvac.Client(url=server.url, token=token, timeout=5), key)


class TestVaultUnderTransit(KeyVaultContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, server: TransitServer) -> None:
        self.path, self.made, self.server = tmp_path, 0, server

    def make_vault(self) -> KeyVault:
        self.made += 1
        return LocalVault(self.path / f"{self.made}.keys", guard=of(self.server))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "crm.db.keys"


@pytest.fixture
def sealed(path: Path, server: TransitServer) -> Sealed:
    with closing(LocalVault(path, guard=of(server))) as vault:
        value = vault.seal(OWNER, PLACE)
        vault.flush()
    return value


def test_the_server_is_asked_once_and_never_sees_a_persons_key(
    path: Path, server: TransitServer, sealed: Sealed
) -> None:
    with closing(LocalVault(path, guard=of(server))) as vault:
        for _ in range(3):
            assert vault.open(sealed, PLACE) == Plain("王小明")
        vault.seal(Personal("V2", "x"), PLACE)
        vault.flush()
    assert server.asked == ["/v1/transit/encrypt/crm", "/v1/transit/decrypt/crm"]


def test_what_a_version_before_has_wrapped_is_opened_and_rotating_takes_the_newest(
    path: Path, server: TransitServer, sealed: Sealed
) -> None:
    server.rotate()
    with closing(LocalVault(path, guard=of(server))) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")
    protecting.rotate(path, of(server))
    with closing(sqlite3.connect(path)) as file:
        [(kept,)] = file.execute("SELECT value FROM crm_vault WHERE name = 'master'")
    assert "vault:v2:" in kept
    with closing(LocalVault(path, guard=of(server))) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")
    assert protecting.standing(path, of(server)).parameters == {"mount": "transit", "key": "crm"}


@pytest.mark.parametrize("trouble", ["forbidden", "sealed", "gone", "nonsense", "down"])
def test_a_server_that_does_not_answer_is_no_wrong_key(
    path: Path, server: TransitServer, sealed: Sealed, trouble: str
) -> None:
    """It may be tried again; nothing is missing, erased or tampered with."""
    guard = of(server)
    match trouble:
        case "forbidden":
            guard = of(server, token="s.another")
        case "sealed":
            server.sealed = True
        case "nonsense":
            server.broken = True
        case "gone":
            guard = Transit(hvac.Client(url=server.url, token="s.test"), "crm", "elsewhere/transit")
        case "down":
            guard = Transit(hvac.Client(url="http://127.0.0.1:9", token="s.test"), "crm")
    with closing(LocalVault(path, guard=guard)) as vault:
        if trouble == "gone":
            # So Vault answers whoever decrypts by a key that there is not.
            with pytest.raises(KeysLocked):
                vault.open(sealed, PLACE)
        else:
            for use in (lambda: vault.open(sealed, PLACE), lambda: vault.fingerprint(OWNER)):
                with pytest.raises(StoreUnreachable) as refused:
                    use()
                assert "transit/crm" in refused.value.message
                assert refused.value.retry_safe
        assert vault.open(Sealed("V9", sealed.token), PLACE) == KeyMissing()
        vault.erase("V9")
        assert vault.open(Sealed("V9", sealed.token), PLACE) == Erased()


def test_what_another_key_has_wrapped_is_not_opened(
    path: Path, server: TransitServer, sealed: Sealed
) -> None:
    server.keys["transit/other"] = [b"k" * 32]
    with closing(LocalVault(path, guard=of(server, "other"))) as vault:
        with pytest.raises(KeysLocked) as locked:
            vault.open(sealed, PLACE)
        assert locked.value.sentence == "keys_wrong"


def test_a_new_file_is_made_only_when_the_server_has_wrapped_its_key(
    path: Path, server: TransitServer
) -> None:
    with closing(LocalVault(path, guard=of(server, "missing"))) as vault:
        vault.seal(OWNER, PLACE)
        with pytest.raises(StoreUnreachable):
            vault.flush()
        assert not path.exists()


def test_a_file_goes_from_a_key_to_the_server_and_back(path: Path, server: TransitServer) -> None:
    key = HeldKey(b"k" * 32)
    with closing(LocalVault(path, guard=key)) as vault:
        sealed = vault.seal(OWNER, PLACE)
        vault.flush()
    protecting.rotate(path, key, of(server))
    with closing(LocalVault(path, guard=of(server))) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")
    protecting.rotate(path, of(server), key)
    with closing(LocalVault(path, guard=key)) as vault:
        assert vault.open(sealed, PLACE) == Plain("王小明")


def test_the_environment_names_key_server_and_token(
    path: Path, server: TransitServer, sealed: Sealed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_ADDR", server.url)
    monkeypatch.setenv("VAULT_TOKEN", "s.test")
    for text in ("crm", "transit/crm"):
        guard = guard_of(get={"CRM_KEYS_TRANSIT": text}.get)
        with closing(LocalVault(path, guard=guard)) as vault:
            assert vault.open(sealed, PLACE) == Plain("王小明")
    with pytest.raises(Invalid):
        guard_of(get={"CRM_KEYS_TRANSIT": "transit/"}.get)
