"""Notifiers against real servers: what arrives, what is told when it does not."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crm_adapters.notify import open_notifier
from crm_adapters.notify.channels import AppriseNotifier
from crm_adapters.notify.console import ConsoleNotifier
from crm_adapters.notify.opening import shown
from crm_adapters.notify.smtp import SmtpNotifier, check_address, compose
from crm_adapters.notify.webhook import WebhookNotifier, signature
from crm_core.errors import Invalid, NotDelivered
from crm_core.kernel.sealed import Personal
from crm_core.ports import Outgoing
from crm_core.testing import NotifierContract
from crm_core.testing.contracts.notifier import HEADER_INJECTIONS
from notify.servers import HOST, MailServer, Receiver, certificate, free_port

pytestmark = pytest.mark.rule("OUT-01")

SENDER = "service@example.com"


@pytest.fixture
def mail() -> Iterator[Callable[..., MailServer]]:
    """Makes mail servers, and ends them."""
    made: list[MailServer] = []

    def make(mode: str = "take", **options: Any) -> MailServer:
        made.append(MailServer(mode, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def receiver() -> Iterator[Callable[..., Receiver]]:
    """Makes HTTP receivers, and ends them."""
    made: list[Receiver] = []

    def make(answer: int | str = 200, **headers: str) -> Receiver:
        made.append(Receiver(answer, **headers))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def outgoing(**changes: Any) -> Outgoing:
    fields = {"subject": "已收到", "body": "谢谢", "id": "m1", **changes}
    address = Personal("V1#owner", fields.pop("address", "mei@example.com"))
    return Outgoing(channel="email", purpose="service", language="zh", address=address, **fields)


def smtp(port: int, **options: Any) -> SmtpNotifier:
    return SmtpNotifier(HOST, port, SENDER, **{"security": "none", "timeout": 5, **options})


# --- the contract --------------------------------------------------------------------------------


class TestConsole(NotifierContract):
    def make(self) -> ConsoleNotifier:
        self.out = io.StringIO()
        return ConsoleNotifier(self.out)

    def taken(self) -> list[tuple[str, str]]:
        return [
            (head.split("] ")[0].split()[-1], head + rest)
            for head, rest in re.findall(r"^(\[.*\n)((?:    .*\n)*)", self.out.getvalue(), re.M)
        ]


class TestSmtp(NotifierContract):
    @pytest.fixture(autouse=True)
    def servers(self, mail: Callable[..., MailServer]) -> None:
        self.server = mail()
        self.refuser = mail("refuse")

    def make(self) -> SmtpNotifier:
        return smtp(self.server.port)

    def taken(self) -> list[tuple[str, str]]:
        return [(one.id, one.text) for one in self.server.mails]

    def refusing(self) -> SmtpNotifier:
        return smtp(self.refuser.port)

    def unreachable(self) -> SmtpNotifier:
        return smtp(free_port())


class TestWebhook(NotifierContract):
    @pytest.fixture(autouse=True)
    def servers(self, receiver: Callable[..., Receiver]) -> None:
        self.server = receiver()
        self.refuser = receiver(404)

    def make(self) -> WebhookNotifier:
        return WebhookNotifier(HOST, self.server.port, "/messages", secret="s3cret", tls=False)

    def taken(self) -> list[tuple[str, str]]:
        return [
            (one.json["id"], f"{one.json['data']['subject']}\n{one.json['data']['body']}")
            for one in self.server.received
        ]

    def refusing(self) -> WebhookNotifier:
        return WebhookNotifier(HOST, self.refuser.port, "/", tls=False)

    def unreachable(self) -> WebhookNotifier:
        return WebhookNotifier(HOST, free_port(), "/", tls=False)


class TestApprise(NotifierContract):
    """By Apprise's own JSON over HTTP, which has no field for an id: the path carries it here."""

    ADDRESS = "13000000000"

    @pytest.fixture(autouse=True)
    def servers(self, receiver: Callable[..., Receiver]) -> None:
        self.server = receiver()
        self.refuser = receiver(500)

    def make(self) -> AppriseNotifier:
        return AppriseNotifier(f"json://{HOST}:{self.server.port}/to/{{address}}/{{id}}")

    def taken(self) -> list[tuple[str, str]]:
        return [
            (one.path.rstrip("/").rpartition("/")[2], f"{one.json['title']}\n{one.json['message']}")
            for one in self.server.received
        ]

    def refusing(self) -> AppriseNotifier:
        return AppriseNotifier(f"json://{HOST}:{self.refuser.port}/")

    def unreachable(self) -> AppriseNotifier:
        return AppriseNotifier(f"json://{HOST}:{free_port()}/")


# --- mail ----------------------------------------------------------------------------------------


def test_a_mail_has_one_recipient_a_stable_id_and_says_that_no_person_wrote_it(
    mail: Callable[..., MailServer],
) -> None:
    server = mail()
    assert smtp(server.port).send(outgoing()) == "250"
    [one] = server.mails
    assert (one.sender, one.recipients) == (SENDER, ["mei@example.com"])
    assert one.message["To"] == "mei@example.com"
    assert one.message["From"] == SENDER
    assert one.message["Message-ID"] == "<m1@example.com>"
    assert one.message["Auto-Submitted"] == "auto-generated"
    assert one.message["Subject"] == "已收到"
    assert one.message.get_content() == "谢谢\r\n"


ADDRESS_INJECTIONS = (
    "mei@example.com\r\nRCPT TO:<all@example.com>",
    "mei@example.com\nBcc: all@example.com",
    "mei@example.com, all@example.com",
    "mei@example.com all@example.com",
    "mei@example.com;all@example.com",
    "mei@example.com>,<all@example.com",
    "Mei <mei@example.com>",
    '"mei mei"@example.com',
    "friends:mei@example.com;",
    "mei(comment)@example.com",
    "mei@example.com\x00",
    "mei@@example.com",
    ".mei@example.com",
    "mei@-example.com",
    "mei@exam_ple.com",
    "@example.com",
    "mei@",
    "mei",
    "",
    "ｍｅｉ@example.com",
    "mei@exämple.com",
    "m" * 65 + "@example.com",
    "mei@" + "e" * 64 + ".com",
    "13000000000",
)


@pytest.mark.parametrize("address", ADDRESS_INJECTIONS)
def test_what_is_not_one_plain_address_is_never_said_to_a_server(
    address: str, mail: Callable[..., MailServer]
) -> None:
    server = mail()
    with pytest.raises(NotDelivered) as refused:
        smtp(server.port).send(outgoing(address=address))
    assert (refused.value.reason, refused.value.transient) == ("address_unusable", False)
    assert server.mails == []


@pytest.mark.parametrize(
    "address", ["mei@example.com", "a.b+c@x-y.example.cn", "A1@localhost", "o'x@e.com"]
)
def test_plain_addresses_are_taken(address: str) -> None:
    assert check_address(address) == address


@pytest.mark.parametrize("id", ["m1>\r\nBcc: a@b.c", "m 1", "m<1", "", "m\n", "消息"])
def test_an_id_that_would_break_a_header_is_refused(id: str) -> None:
    with pytest.raises(NotDelivered):
        compose(outgoing(id=id), SENDER, "mei@example.com")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(st.sampled_from(HEADER_INJECTIONS) | st.text(max_size=30), st.text(max_size=200))
def test_whatever_a_mail_says_its_headers_are_ours(subject: str, body: str) -> None:
    """No text becomes a header, and no header is there that we did not write."""
    try:
        mail = compose(outgoing(subject=subject, body=body), SENDER, "mei@example.com")
    except NotDelivered:
        assert not subject.isprintable()
        return
    except UnicodeEncodeError:  # a lone surrogate, which no text in a file has
        return
    head = mail.as_bytes().partition(b"\r\n\r\n")[0]
    names = re.findall(rb"^([A-Za-z-]+):", head, re.MULTILINE)
    assert sorted(set(names)) == sorted(names)
    assert {name.decode() for name in names} == {
        "From",
        "To",
        "Subject",
        "Message-ID",
        "Auto-Submitted",
        "Content-Language",
        "Content-Type",
        "Content-Transfer-Encoding",
        "MIME-Version",
    }


@pytest.mark.parametrize(
    ("mode", "reason", "transient"),
    [
        ("refuse", "rejected", False),
        ("refuse_data", "rejected", False),
        ("later", "rejected", True),
        ("hang_up", "unknown_outcome", True),
    ],
)
def test_what_a_mail_server_answers_decides_whether_it_is_asked_again(
    mode: str, reason: str, transient: bool, mail: Callable[..., MailServer]
) -> None:
    with pytest.raises(NotDelivered) as refused:
        smtp(mail(mode).port).send(outgoing())
    assert (refused.value.reason, refused.value.transient) == (reason, transient)


def test_a_number_is_written_to_through_a_gateway(mail: Callable[..., MailServer]) -> None:
    server = mail()
    notifier = smtp(server.port, domain="sms.example.com")
    notifier.send(outgoing(address="(021) 555-0100"))
    assert server.mails[0].recipients == ["0215550100@sms.example.com"]
    with pytest.raises(NotDelivered, match="address unusable"):
        notifier.send(outgoing(address="1\r\nBcc: a@b.c"))


def test_mail_is_encrypted_before_anything_is_said(
    mail: Callable[..., MailServer], tmp_path: Path
) -> None:
    theirs, ours = certificate(tmp_path)
    server = mail(tls_context=theirs, require_starttls=True)
    trusting = smtp(server.port, security="starttls", context=ours)
    assert trusting.send(outgoing()) == "250"
    assert len(server.mails) == 1
    # A certificate that nobody vouches for, and a server that does not encrypt at all.
    for port in (server.port, mail().port):
        with pytest.raises(NotDelivered) as refused:
            smtp(port, security="starttls").send(outgoing())
        assert (refused.value.reason, refused.value.transient) == ("unreachable", True)
    assert len(server.mails) == 1


def test_a_password_is_said_over_an_encrypted_connection_only(
    mail: Callable[..., MailServer], tmp_path: Path
) -> None:
    theirs, ours = certificate(tmp_path)
    holder: list[MailServer] = []

    def authenticator(*arguments: Any) -> Any:
        return holder[0].authenticate(*arguments)

    server = mail(tls_context=theirs, authenticator=authenticator, auth_required=True)
    holder.append(server)
    login = {"security": "starttls", "context": ours, "user": "user"}
    assert smtp(server.port, password="s3cret:/@", **login).send(outgoing()) == "250"
    with pytest.raises(NotDelivered) as refused:
        smtp(server.port, password="wrong", **login).send(outgoing())
    assert (refused.value.reason, refused.value.transient) == ("rejected", True)
    assert "wrong" not in f"{refused.value!r}"
    assert {user for user, _ in server.logins} == {"user"}
    with pytest.raises(ValueError, match="encrypted"):
        smtp(server.port, user="user", password="s3cret")


# --- webhook -------------------------------------------------------------------------------------


def test_a_webhook_gets_a_signed_cloud_event(receiver: Callable[..., Receiver]) -> None:
    server = receiver(202)
    notifier = WebhookNotifier(HOST, server.port, "/a?b=c", secret="s3cret", tls=False)
    assert notifier.send(outgoing()) == "202"
    [one] = server.received
    assert one.path == "/a?b=c"
    assert one.headers["Content-Type"] == "application/cloudevents+json"
    assert one.headers["X-Crm-Signature"] == signature("s3cret", one.body)
    assert signature("other", one.body) != signature("s3cret", one.body)
    assert one.json == {
        "specversion": "1.0",
        "id": "m1",
        "source": "crm-core",
        "type": "crm.message.v1",
        "datacontenttype": "application/json",
        "data": {
            "channel": "email",
            "purpose": "service",
            "language": "zh",
            "address": "mei@example.com",
            "subject": "已收到",
            "body": "谢谢",
        },
    }


def test_without_a_secret_nothing_is_signed(receiver: Callable[..., Receiver]) -> None:
    server = receiver()
    WebhookNotifier(HOST, server.port, "/", tls=False).send(outgoing())
    assert "X-Crm-Signature" not in server.received[0].headers


@pytest.mark.parametrize(
    ("answer", "reason", "transient"),
    [
        (500, "rejected", True),
        (503, "rejected", True),
        (429, "rejected", True),
        (400, "rejected", False),
        (410, "rejected", False),
        (302, "rejected", False),
        (304, "rejected", False),
        ("hang", "unknown_outcome", True),
        ("hang_up", "unknown_outcome", True),
        ("nonsense", "unknown_outcome", True),
    ],
)
def test_only_a_2xx_is_a_receipt(
    answer: int | str, reason: str, transient: bool, receiver: Callable[..., Receiver]
) -> None:
    elsewhere = receiver()
    server = receiver(answer, Location=f"http://{HOST}:{elsewhere.port}/")
    notifier = WebhookNotifier(HOST, server.port, "/", tls=False, timeout=1)
    with pytest.raises(NotDelivered) as refused:
        notifier.send(outgoing())
    assert (refused.value.reason, refused.value.transient) == (reason, transient)
    assert elsewhere.received == [], "an address is not carried elsewhere"


# --- Apprise -------------------------------------------------------------------------------------


LISTS = [
    "13800000000,13911112222",
    "13800000000, 13911112222",
    "13800000000;13911112222",
    "13800000000 13911112222",
    "13800000000\n13911112222",
    "13800000000\u300013911112222",
    "13800000000/13911112222",
    "13800000000，13911112222",
    "13800000000、13911112222",
    "13800000000-13911112222",
    "[13800000000][13911112222]",
    "13800000000&to=13911112222",
    "mei@example.com,li@example.com",
    "mei@example.com li@example.com",
    "mei@example.com@example.org",
    "1/../../x?y=z&format=html#f",
    "１３８００００００００",
    "",
]


@pytest.mark.case("K58")
@pytest.mark.parametrize("address", LISTS)
def test_an_address_that_is_a_list_or_no_address_reaches_nobody_by_apprise(
    receiver: Callable[..., Receiver], address: str
) -> None:
    server = receiver()
    notifier = AppriseNotifier(f"json://{HOST}:{server.port}/to/{{address}}/end")
    with pytest.raises(NotDelivered) as refused:
        notifier.send(outgoing(address=address))
    assert (refused.value.reason, refused.value.transient) == ("address_unusable", False)
    assert server.received == []


@pytest.mark.case("K58")
def test_a_service_that_takes_an_address_for_several_is_not_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Even where the address looks like one: what Apprise makes of it is counted."""
    notifier = AppriseNotifier("d7sms://token@{address}")
    monkeypatch.setattr("crm_adapters.notify.channels._one", lambda address: address)
    with pytest.raises(NotDelivered) as refused:
        notifier.send(outgoing(address="13800000000,13911112222"))
    assert refused.value.reason == "address_unusable"


@pytest.mark.parametrize(
    ("address", "sent"),
    [
        ("+86 (138) 0000-0000", "+8613800000000"),
        ("13800000000", "13800000000"),
        ("mei.li@example.com", "mei.li@example.com"),
        ("zhang_san", "zhang_san"),
    ],
)
def test_one_address_stays_one_part_of_an_apprise_url(
    receiver: Callable[..., Receiver], address: str, sent: str
) -> None:
    server = receiver()
    notifier = AppriseNotifier(f"json://{HOST}:{server.port}/to/{{address}}/end")
    notifier.send(outgoing(address=address))
    assert unquote(server.received[0].path).rstrip("/") == f"/to/{sent}/end"


# --- URLs ----------------------------------------------------------------------------------------


def test_a_url_names_a_notifier(
    mail: Callable[..., MailServer], receiver: Callable[..., Receiver]
) -> None:
    server, hook = mail(), receiver()
    url = f"smtp://{HOST}:{server.port}?from={SENDER}&security=none"
    assert open_notifier(url).send(outgoing()) == "250"
    notifier = open_notifier(f"webhook+http://:s%3Acret@{HOST}:{hook.port}/x?y=1")
    assert notifier.send(outgoing()) == "200"
    assert hook.received[0].path == "/x?y=1"
    assert hook.received[0].headers["X-Crm-Signature"] == signature("s:cret", hook.received[0].body)
    assert open_notifier(f"apprise:json://{HOST}:{hook.port}/").send(outgoing()) == "taken"
    assert isinstance(open_notifier("console:"), ConsoleNotifier)
    assert repr(open_notifier("smtps://mail.example.com?from=a@b.c")) == (
        "SmtpNotifier(mail.example.com:465, tls)"
    )
    assert repr(open_notifier("smtp://mail.example.com?from=a@b.c")) == (
        "SmtpNotifier(mail.example.com:587, starttls)"
    )
    assert repr(open_notifier("webhook+https://:x@example.com/y")) == (
        "WebhookNotifier(example.com:443)"
    )


@pytest.mark.parametrize(
    "url",
    [
        "",
        "console",
        "pigeon://s3cret@example.com",
        "console:s3cret",
        "smtp://user:s3cret@example.com",
        "smtp://user:s3cret@example.com?from=nobody",
        "smtp://user:s3cret@example.com?from=a@b.c&security=none",
        "smtp://user:s3cret@example.com?from=a@b.c&security=tls",
        "smtps://user:s3cret@example.com?from=a@b.c&security=none",
        "smtp://user:s3cret@example.com?from=a@b.c&security=some",
        "smtp://user:s3cret@example.com?from=a@b.c&domain=@",
        "smtp://user:s3cret@example.com?from=a@b.c&pw=s3cret",
        "smtp://user:s3cret@example.com:port?from=a@b.c",
        "smtp://user:s3cret@?from=a@b.c",
        "webhook+https://:s3cret@/path",
        "webhook+https://:s3cret@example.com/ä",
        "webhook+https://:s3cret@example.com/a b",
        "webhook+https://:s3cret@[::1/",
        "apprise:",
        "apprise:pigeon://s3cret",
    ],
)
def test_a_url_that_names_none_is_refused_without_showing_its_secrets(url: str) -> None:
    with pytest.raises(Invalid) as refused:
        open_notifier(url)
    assert [fault.code for fault in refused.value.faults] == ["notifier_unusable"]
    assert "s3cret" not in str(refused.value)
    chinese, english = refused.value.told("zh"), refused.value.told("en")
    assert "s3cret" not in chinese + str(refused.value.as_dict())
    assert not set("{}") & set(chinese + english)
    assert not chinese.isascii()
    assert english != "notifier unusable"


@given(st.text(st.characters(codec="ascii"), max_size=20))
def test_a_password_is_never_shown(password: str) -> None:
    from urllib.parse import quote

    secret = f"xyzzy{quote(password, safe='')}"
    for url in (f"smtp://user:{secret}@h?from=a@b.c", f"apprise:tgram://{secret}/1"):
        assert "xyzzy" not in shown(url)
