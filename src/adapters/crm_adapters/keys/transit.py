"""The master key wrapped by the transit engine of HashiCorp Vault (extra `vault`)."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any, ClassVar

import hvac  # type: ignore[import-untyped]
from attrs import field
from cryptography.exceptions import InvalidTag
from hvac.exceptions import (  # type: ignore[import-untyped]
    Forbidden,
    InvalidPath,
    InvalidRequest,
    Unauthorized,
    VaultError,
)
from requests.exceptions import RequestException

from crm_adapters.keys.suites import Suite
from crm_core.errors import Invalid, StoreUnreachable
from crm_core.kernel.values import frozen

SECONDS = 10.0
"""How long to wait for an answer."""


@frozen
class Transit:
    """A key of the transit engine: it never leaves, and the server says who may use it.

    The engine wraps by its own algorithm, whatever the suite of the vault is.

    Args:
        client: Signed in.
        key: Name of the key.
        mount: Path that the engine is mounted at.
    """

    client: hvac.Client = field(repr=False)
    key: str
    mount: str = "transit"
    kind: ClassVar[str] = "transit"

    def wrap(self, master: bytes, suite: Suite) -> dict[str, Any]:
        text = b64encode(master).decode()
        wrapped = self._asked("encrypt_data", "ciphertext", plaintext=text)
        return {"mount": self.mount, "key": self.key, "master": wrapped}

    def unwrap(self, kept: dict[str, Any], suite: Suite) -> bytes:
        try:
            text = self._asked("decrypt_data", "plaintext", ciphertext=str(kept["master"]))
        except InvalidRequest:
            # So it says of what another key has wrapped, or nobody.
            raise InvalidTag from None
        return b64decode(text, validate=True)

    def _asked(self, what: str, wanted: str, **values: str) -> str:
        ask = getattr(self.client.secrets.transit, what)
        try:
            answer = ask(name=self.key, mount_point=self.mount, **values)
            return str(answer["data"][wanted])
        except InvalidRequest:
            if what == "decrypt_data":
                raise
            reason = "bad request"
        except (Forbidden, Unauthorized):
            reason = "permission denied"
        except InvalidPath:
            reason = "no such key or engine"
        except (VaultError, RequestException, KeyError, TypeError, ValueError) as error:
            # Not its own words: they may repeat what was sent.
            reason = type(error).__name__
        raise StoreUnreachable(
            "transit_unusable", transit=f"{self.mount}/{self.key}", reason=reason
        )


def transit_of(text: str) -> Transit:
    """The key `NAME` or `MOUNT/NAME` at `VAULT_ADDR`, as whom `VAULT_TOKEN` says.

    Raises:
        Invalid: there is no name.
    """
    mount, _, name = text.rpartition("/")
    if not name:
        raise Invalid.one("transit_malformed", text=text)
    return Transit(hvac.Client(timeout=SECONDS), name, mount or "transit")
