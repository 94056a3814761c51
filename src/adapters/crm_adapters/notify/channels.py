"""Messages by the channels that Apprise knows: WeCom, DingTalk, Feishu, SMS and many more."""

from __future__ import annotations

import re
from urllib.parse import quote

from apprise import Apprise, NotifyFormat

from crm_core.errors import NotDelivered
from crm_core.kernel.sentences import Malformed
from crm_core.ports import Outgoing

ADDRESS, ID = "{address}", "{id}"

_SAMPLE = "13000000000"

_NUMBER = re.compile(r"\+?[0-9]{3,15}")
_WORD = re.compile(r"[A-Za-z0-9_.+-]+@[A-Za-z0-9.-]+|[A-Za-z_][A-Za-z0-9_.-]*")


class AppriseNotifier:
    """Sends through one Apprise URL.

    Args:
        url: Such a URL; `{address}` in it stands for the recipient's address, `{id}` for the
            message's id. Without an address every message goes to the place that the URL names,
            a group's robot for example.

    Raises:
        Malformed: Apprise knows no such URL.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        # Whether it can be used is known before the first message; the number is nobody's.
        self._targets = _targets(_service(url.replace(ADDRESS, _SAMPLE).replace(ID, "0")))

    def send(self, outgoing: Outgoing) -> str:
        """Send the message; Apprise says no more than whether it was taken."""
        url = self._url.replace(ID, quote(outgoing.id, safe=""))
        try:
            if ADDRESS in url:
                url = url.replace(ADDRESS, quote(_one(outgoing.address.reveal()), safe=""))
            service = _service(url)
        except Malformed:
            raise NotDelivered("address_unusable", transient=False) from None
        if _targets(service) != self._targets:
            # Whatever a service takes for a list, the message is for one.
            raise NotDelivered("address_unusable", transient=False)
        taken = service.notify(
            title=outgoing.subject, body=outgoing.body, body_format=NotifyFormat.TEXT
        )
        if not taken:
            # Apprise does not tell a refusal from a connection that broke after the message.
            raise NotDelivered("unknown_outcome", transient=True)
        return "taken"

    def close(self) -> None:
        """Nothing is held open."""

    def __repr__(self) -> str:
        return f"AppriseNotifier({self._url.partition(':')[0]})"


def _one(address: str) -> str:
    """The address, if it is a single number, mail address or name: Apprise splits lists (K58).

    Raises:
        Malformed: it is none of them.
    """
    address = address.strip()
    number = re.sub(r"[ ()-]", "", address)
    if _NUMBER.fullmatch(number):
        return number
    if _WORD.fullmatch(address):
        return address
    raise Malformed("notifier_apprise", notifier="apprise")


def _targets(service: Apprise) -> int:
    return sum(len(one) for one in service)


def _service(url: str) -> Apprise:
    service = Apprise()
    if not service.add(url):
        raise Malformed("notifier_apprise", notifier="apprise")
    return service
