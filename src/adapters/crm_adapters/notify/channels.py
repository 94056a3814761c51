"""Messages by the channels that Apprise knows: WeCom, DingTalk, Feishu, SMS and many more."""

from __future__ import annotations

from urllib.parse import quote

from apprise import Apprise, NotifyFormat

from crm_core.errors import NotDelivered
from crm_core.kernel.sentences import Malformed
from crm_core.ports import Outgoing

ADDRESS, ID = "{address}", "{id}"


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
        _service(url.replace(ADDRESS, "13000000000").replace(ID, "0"))

    def send(self, outgoing: Outgoing) -> str:
        """Send the message; Apprise says no more than whether it was taken."""
        address = quote(outgoing.address.reveal().strip(), safe="")
        id = quote(outgoing.id, safe="")
        try:
            service = _service(self._url.replace(ID, id).replace(ADDRESS, address))
        except Malformed:
            raise NotDelivered("address_unusable", transient=False) from None
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


def _service(url: str) -> Apprise:
    service = Apprise()
    if not service.add(url):
        raise Malformed("notifier_apprise", notifier="apprise")
    return service
