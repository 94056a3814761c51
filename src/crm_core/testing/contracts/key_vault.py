"""The contract of the port `KeyVault`."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from threading import Barrier

import pytest

from crm_core.errors import Failed, PersonErased
from crm_core.kernel.sealed import Erased, KeyMissing, Personal, Place, Plain, Sealed, Tampered
from crm_core.ports import KeyVault
from crm_core.testing.contracts.events import in_threads


def named(token: str) -> tuple[str, str]:
    """The name of the suite with its full stop, which may be left out, and the base64 behind it."""
    name, stop, rest = token.rpartition(".")
    return name + stop, rest


class KeyVaultContract:
    """What every `KeyVault` does (PRV-03, PRV-04).

    A subclass defines `make_vault`. Whether keys outlast the process is the adapter's own test.
    """

    def make_vault(self) -> KeyVault:
        """A new vault without keys."""
        raise NotImplementedError

    @pytest.fixture
    def vault(self) -> Iterator[KeyVault]:
        """A new vault."""
        vault = self.make_vault()
        yield vault
        vault.close()

    place: Place = Place("household/V00001", 3, "name")
    value: Personal = Personal("V00001#owner", "王小明 \U0001f469\u200d\U0001f467")

    @pytest.mark.rule("PRV-03")
    @pytest.mark.parametrize("text", ["", "x", "王小明", "\x00\n\U0001f3e0", "长" * 10_000])
    def test_what_was_sealed_is_opened(self, vault: KeyVault, text: str) -> None:
        sealed = vault.seal(Personal("V1", text), self.place)
        assert sealed.subject == "V1"
        assert vault.open(sealed, self.place) == Plain(text)
        vault.flush()
        vault.flush()
        assert vault.open(sealed, self.place) == Plain(text)

    @pytest.mark.rule("PRV-03")
    def test_nothing_of_the_text_shows(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        assert self.value.reveal() not in repr(sealed)
        assert self.value.reveal().encode() not in urlsafe_b64decode(named(sealed.token)[1])
        assert self.value.reveal() not in vault.fingerprint(self.value)

    @pytest.mark.rule("PRV-03")
    def test_equal_values_are_sealed_differently(self, vault: KeyVault) -> None:
        tokens = [vault.seal(self.value, self.place).token for _ in range(20_000)]
        assert len({token[:16] for token in tokens}) == len(tokens), "no nonce comes twice"
        assert len({token[16:] for token in tokens}) == len(tokens)

    @pytest.mark.rule("PRV-03")
    @pytest.mark.parametrize(
        "moved",
        [
            Place("household/V00002", 3, "name"),
            Place("household/V00001", 4, "name"),
            Place("household/V00001", 3, "phone"),
            Place("household/V00001\n3", 3, "name"),
        ],
    )
    def test_a_value_moved_elsewhere_does_not_open(self, vault: KeyVault, moved: Place) -> None:
        sealed = vault.seal(self.value, self.place)
        assert vault.open(sealed, moved) == Tampered()

    @pytest.mark.rule("PRV-03")
    def test_of_all_places_and_persons_a_value_opens_at_its_own_only(self, vault: KeyVault) -> None:
        """Each of sixteen values at each of sixteen places that differ in one thing or more."""
        sealed = {
            (subject, stream, version, name): vault.seal(
                Personal(subject, "text"), Place(stream, version, name)
            )
            for subject in ("V1#owner", "V1#tenant")
            for stream in ("household/V1", "household/V11")
            for version in (1, 11)
            for name in ("name", "phone")
        }
        for own, value in sealed.items():
            for subject, stream, version, name in sealed:
                found = vault.open(Sealed(subject, value.token), Place(stream, version, name))
                wanted = Plain("text") if own == (subject, stream, version, name) else Tampered()
                assert found == wanted

    several = "V00001#owner V00002#owner V00002~1"

    @pytest.mark.rule("PRV-03")
    def test_what_is_about_several_opens_at_its_place_only(self, vault: KeyVault) -> None:
        sealed = vault.seal(Personal(self.several, "text"), self.place)
        assert sealed.subject == self.several
        assert vault.open(sealed, self.place) == Plain("text")
        vault.flush()
        assert vault.open(sealed, self.place) == Plain("text")
        for place in (Place("a/1", 3, "name"), Place(self.place.stream, 4, "name")):
            assert vault.open(sealed, place) == Tampered()
        for subject in ("V00001#owner", "V00002#owner", "V00001#owner V00002#owner"):
            assert vault.open(Sealed(subject, sealed.token), self.place) == Tampered()

    @pytest.mark.rule("PRV-04")
    @pytest.mark.parametrize("erased", several.split(" "))
    def test_whoever_is_erased_closes_what_is_about_several(
        self, vault: KeyVault, erased: str
    ) -> None:
        of_several = vault.seal(Personal(self.several, "text"), self.place)
        alone = {one: vault.seal(Personal(one, one), self.place) for one in self.several.split(" ")}
        vault.flush()
        vault.erase(erased)
        assert vault.is_erased(erased)
        assert vault.open(of_several, self.place) == Erased()
        for one, value in alone.items():
            assert vault.open(value, self.place) == (Erased() if one == erased else Plain(one))
            assert vault.is_erased(one) == (one == erased)
        for again in (vault.seal, lambda value, _: vault.fingerprint(value)):
            with pytest.raises(PersonErased, match=erased):
                again(Personal(self.several, "more"), self.place)

    @pytest.mark.rule("PRV-03")
    def test_where_a_key_is_missing_that_is_no_erasure(self, vault: KeyVault) -> None:
        assert not vault.is_erased("V9")
        assert vault.open(Sealed("V8 V9", "AAAA"), self.place) == KeyMissing()
        vault.erase("V9")
        assert vault.open(Sealed("V8 V9", "AAAA"), self.place) == Erased()

    @pytest.mark.rule("PRV-04")
    def test_who_asks_whether_there_is_a_key_makes_none(self, vault: KeyVault) -> None:
        assert not vault.holds("V7")
        assert not vault.holds("V7")
        vault.seal(Personal("V7", "text"), self.place)
        assert vault.holds("V7")
        vault.flush()
        assert vault.holds("V7")
        vault.erase("V7")
        assert not vault.holds("V7")

    @pytest.mark.rule("PRV-03")
    def test_fingerprints_of_several_are_their_own(self, vault: KeyVault) -> None:
        first = vault.fingerprint(Personal(self.several, "text"))
        vault.flush()
        assert vault.fingerprint(Personal(self.several, "text")) == first
        assert vault.fingerprint(Personal("V00001#owner", "text")) != first
        assert vault.fingerprint(Personal(self.several, "another")) != first

    @pytest.mark.rule("PRV-03")
    def test_a_value_given_to_another_person_does_not_open(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        vault.seal(Personal("V00002#owner", "another"), self.place)
        assert vault.open(Sealed("V00002#owner", sealed.token), self.place) == Tampered()

    @pytest.mark.rule("PRV-03")
    def test_any_changed_byte_is_noticed(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        name, token = named(sealed.token)
        raw = urlsafe_b64decode(token)
        changed = [
            raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]
            for at in range(len(raw))
            for bit in (0, 7)
        ]
        changed += [raw[:at] for at in range(len(raw))] + [raw + b"\0", raw[1:], raw + raw]
        for other in changed:
            token = name + urlsafe_b64encode(other).decode()
            assert vault.open(Sealed(sealed.subject, token), self.place) == Tampered()

    @pytest.mark.rule("PRV-03")
    @pytest.mark.parametrize("token", ["", "=", "A", "not base64!", "星", "AAAA" * 20])
    def test_what_is_no_token_is_tampered(self, vault: KeyVault, token: str) -> None:
        vault.seal(self.value, self.place)
        assert vault.open(Sealed(self.value.subject, token), self.place) == Tampered()

    @pytest.mark.rule("PRV-03", "PRV-04")
    def test_erased_missing_and_tampered_are_three_results(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        elsewhere = Place(self.place.stream, 4, self.place.field)
        other = self.make_vault()
        assert other.open(sealed, self.place) == KeyMissing()
        assert other.open(sealed, elsewhere) == KeyMissing()
        assert vault.open(sealed, elsewhere) == Tampered()
        vault.flush()
        vault.erase(sealed.subject)
        assert vault.open(sealed, self.place) == Erased()
        assert vault.open(sealed, elsewhere) == Erased()
        other.close()

    @pytest.mark.rule("PRV-04")
    def test_an_erased_person_stays_erased(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        vault.erase(self.value.subject)
        vault.flush()
        vault.erase(self.value.subject)
        for use in (
            lambda: vault.seal(self.value, self.place),
            lambda: vault.fingerprint(self.value),
        ):
            with pytest.raises(Failed):
                use()
        vault.flush()
        assert vault.open(sealed, self.place) == Erased()

    @pytest.mark.rule("PRV-04")
    def test_a_person_can_be_erased_before_anything_was_sealed(self, vault: KeyVault) -> None:
        vault.erase("V9")
        assert vault.open(Sealed("V9", "AAAA"), self.place) == Erased()
        with pytest.raises(Failed):
            vault.seal(Personal("V9", "text"), self.place)

    @pytest.mark.rule("PRV-04")
    def test_two_persons_are_independent(self, vault: KeyVault) -> None:
        both = [vault.seal(Personal(f"V{n}", "text"), self.place) for n in range(2)]
        vault.flush()
        vault.erase("V0")
        assert vault.open(both[0], self.place) == Erased()
        assert vault.open(both[1], self.place) == Plain("text")
        assert vault.open(vault.seal(Personal("V1", "more"), self.place), self.place) == Plain(
            "more"
        )

    @pytest.mark.rule("PRV-04")
    def test_several_are_erased_at_once_and_nobody_else(self, vault: KeyVault) -> None:
        sealed = [vault.seal(Personal(f"V{n}", "text"), self.place) for n in range(3)]
        vault.flush()
        assert vault.erased() == frozenset()
        vault.erase("V0", "V2", "V9")
        assert vault.erased() == {"V0", "V2", "V9"}
        assert [vault.open(one, self.place) for one in sealed] == [
            Erased(),
            Plain("text"),
            Erased(),
        ]

    @pytest.mark.rule("PRV-04")
    def test_who_is_to_stay_erased_does_and_is_told_if_their_key_was_back(
        self, vault: KeyVault
    ) -> None:
        sealed = [vault.seal(Personal(f"V{n}", "text"), self.place) for n in range(3)]
        vault.flush()
        vault.erase("V0")
        assert vault.keep_erased({"V0", "V1", "V9"}) == {"V1"}
        assert vault.keep_erased({"V0", "V1", "V9"}) == frozenset()
        assert [vault.open(one, self.place) for one in sealed] == [
            Erased(),
            Erased(),
            Plain("text"),
        ]
        with pytest.raises(Failed):
            vault.seal(Personal("V9", "text"), self.place)

    @pytest.mark.rule("PRV-04")
    def test_a_key_that_is_not_kept_yet_is_erased_too(self, vault: KeyVault) -> None:
        sealed = vault.seal(self.value, self.place)
        vault.keep_erased({self.value.subject})
        vault.flush()
        assert vault.open(sealed, self.place) == Erased()

    @pytest.mark.rule("PRV-03")
    def test_a_fingerprint_tells_equal_values_of_one_person_only(self, vault: KeyVault) -> None:
        first = vault.fingerprint(self.value)
        vault.flush()
        assert vault.fingerprint(self.value) == first
        vault.seal(self.value, self.place)
        assert vault.fingerprint(self.value) == first
        assert vault.fingerprint(Personal(self.value.subject, "another")) != first
        assert vault.fingerprint(Personal("V00002#owner", self.value.reveal())) != first
        other = self.make_vault()
        assert other.fingerprint(self.value) != first
        other.close()

    @pytest.mark.rule("PRV-04")
    def test_a_fingerprint_is_erased_with_the_key(self, vault: KeyVault) -> None:
        vault.fingerprint(self.value)
        vault.flush()
        vault.erase(self.value.subject)
        with pytest.raises(Failed):
            vault.fingerprint(self.value)

    @pytest.mark.rule("PRV-03")
    def test_many_threads_make_one_key(self, vault: KeyVault) -> None:
        sealed: list[Sealed] = []
        start = Barrier(8)

        def seal() -> None:
            start.wait()
            sealed.append(vault.seal(self.value, self.place))
            vault.flush()

        in_threads(*[seal] * 8)
        assert {vault.open(one, self.place) for one in sealed} == {Plain(self.value.reveal())}
