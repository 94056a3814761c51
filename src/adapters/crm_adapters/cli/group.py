"""The group `crm` and what its commands share: who acts on which log, options, policies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from attrs import evolve, field

from crm_adapters.cli.acting import host
from crm_adapters.cli.commands import COMMANDS, GROUPS
from crm_adapters.cli.helping import Told, ToldGroup
from crm_adapters.cli.language import say, speak
from crm_adapters.cli.output import Output
from crm_adapters.cli.shown import live_in
from crm_adapters.cli.values import ID, PERSON, ZONE, OneOf
from crm_core.errors import Invalid
from crm_core.kernel.dates import ESTATE_ZONE
from crm_core.kernel.limits import POLICY_BYTES_MAX
from crm_core.kernel.recorded import Actor
from crm_core.kernel.sentences import LANGS
from crm_core.kernel.values import define
from crm_core.kernel.word import CHANNELS, Word
from crm_core.ports import EVENTS

if TYPE_CHECKING:
    from crm_adapters.outputs import Kept
    from crm_core.application.access import Asked
    from crm_core.crm import CRM
    from crm_core.policies import PolicyBook

FOUND, BAD, INTERRUPTED = 1, 2, 130

MEMORY = "memory:"


@define
class App:
    """What every command shares.

    Args:
        db: URL of the database of the log, or the path of an SQLite file.
        tenant: Whose log it is.
        keys: File of the key vault, if it is named.
        erased: File of the tombstones, if it is named.
        zone: Zone of the estate's days and years.
        claimed: Who acts, if somebody is named.
        purpose: What it is done for, if that is said.
        out: Where results go.
    """

    db: str = "sqlite:///crm.db"
    tenant: str = ""
    keys: str | None = None
    erased: str | None = None
    zone: str = ESTATE_ZONE
    claimed: Actor | None = None
    purpose: str | None = None
    out: Output = field(factory=Output)
    _began: int | None = field(default=None, init=False)
    _kept: Kept | None = field(default=None, init=False)

    @property
    def by(self) -> Actor:
        """Who acts: whoever is named, or else the host's account."""
        return self.claimed or host()

    @property
    def asked(self) -> Asked:
        """Who asks, and what for: what every question takes."""
        return {"by": self.by, "purpose": self.purpose}

    @property
    def url(self) -> str:
        """The URL of the database."""
        if "://" in self.db or self.db == MEMORY:
            return self.db
        from sqlalchemy.engine import URL  # Help needs no database.

        return str(URL.create("sqlite", database=self.db))

    def open(self, *, policies: Any = None, create: bool = False) -> CRM:
        """The CRM behind `--db`; reading a log that is not there is an error, not an empty log."""
        from crm_adapters.keys import guard_of, suite_of
        from crm_adapters.wiring import open_crm  # Half of all loading, and help needs no store.

        opened = open_crm(
            self.url,
            create=create,
            tenant=self.tenant,
            keys=self.keys,
            guard=guard_of,
            suite=suite_of(),
            erased=self.erased,
            zone=self.zone,
            policies=policies,
        )
        if self._began is None:
            self._began = opened.log.head()
            # From now on something is read; whoever opens a log may have finished an erasure.
            self._kept = self._found_kept()
        return opened

    def kept_events(self) -> int:
        """Events that the log has more than when it was first opened; those of others count, too.

        Raises:
            CrmError: the log does not open now.
        """
        if self._began is None or self.url == MEMORY:
            return 0
        with self.open() as opened:
            return opened.log.head() - self._began

    @property
    def erased_file(self) -> Path | None:
        """Where the tombstones lie; None for a log in memory."""
        from crm_adapters.wiring import beside

        if self.url == MEMORY:
            return None
        return Path(self.erased or beside(self.url, self.tenant, "erased"))

    @property
    def kept(self) -> Kept:
        """What no output may replace: log, keys and urn with their side files, the kept columns.

        It knows who was erased when the log was opened first, which is before anything is read.
        """
        if self._kept is None:
            self._kept = self._found_kept()
        return self._kept

    def _found_kept(self) -> Kept:
        from sqlalchemy.exc import ArgumentError

        from crm_adapters.outputs import Kept, mark_of, sides
        from crm_adapters.register import Register
        from crm_adapters.wiring import beside

        try:
            main = [one for one in (self.file, self.key_file) if one is not None]
            if self.url == MEMORY:
                return Kept([side for one in main for side in sides(one)])
            folder, erased, written, urn = (
                beside(self.url, self.tenant, kind)
                for kind in ("facts", "erased", "written", "urn")
            )
        except (ArgumentError, ValueError):
            return Kept()  # Opening it says what is wrong.
        stones = Path(self.erased or erased)
        main += [stones, written, urn]
        return Kept(
            files=[side for one in main for side in sides(one)],
            folders=[folder],
            register=Register(written),
            erased=stones,
            mark=mark_of(stones),
        )

    @property
    def key_file(self) -> Path | None:
        """The file of the keys; None for a log in memory whose keys are there, too."""
        from crm_adapters.wiring import beside

        if self.keys is not None:
            return Path(self.keys)
        return None if self.url == MEMORY else beside(self.url, self.tenant, "keys")

    @property
    def shown_url(self) -> str:
        """The URL as it may be shown: without a password."""
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        try:
            return self.url if self.url == MEMORY else make_url(self.url).render_as_string()
        except (ArgumentError, ValueError):
            return say("url_unreadable")

    def to_write(self, path: Path, *inputs: Path, option: str = "--out") -> Path:
        """The path, if a file may be written there: seen before any work is done.

        Args:
            inputs: Files that the command reads, which are not replaced either.

        Raises:
            Invalid: it belongs to the log, the keys or the inputs, or is no regular file of ours.
        """
        from crm_adapters.outputs import check_output

        kept = self.kept
        return check_output(path, evolve(kept, files=[*kept.files, *inputs]), option)

    @property
    def file(self) -> Path | None:
        """The file of the log; None where it has none."""
        from sqlalchemy.engine import make_url
        from sqlalchemy.exc import ArgumentError

        if self.db == MEMORY:
            return None
        try:
            parsed = make_url(self.url)
        except (ArgumentError, ValueError):
            return None  # Opening it says what is wrong.
        is_file = parsed.get_backend_name() == "sqlite" and parsed.database
        return Path(str(parsed.database)) if is_file else None

    @property
    def missing(self) -> bool:
        """Whether it is an SQLite file that is not there."""
        file = self.file
        return file is not None and not file.exists()


# --- options of every command ------------------------------------------------------------------

_GENERAL: tuple[tuple[str, dict[str, Any]], ...] = (
    ("--db", {"envvar": "CRM_DB", "metavar": "URL"}),
    ("--tenant", {"envvar": "CRM_TENANT", "metavar": "NAME"}),
    ("--keys", {"envvar": "CRM_KEYS", "metavar": "FILE"}),
    ("--erased", {"envvar": "CRM_ERASED", "metavar": "FILE"}),
    ("--zone", {"envvar": "CRM_ZONE", "type": ZONE}),
    ("--as", {"envvar": "CRM_AS", "type": PERSON, "metavar": "ROLE:ID"}),
    ("--purpose", {"metavar": "TEXT"}),
    ("--lang", {"envvar": "CRM_LANG", "type": OneOf(LANGS), "is_eager": True}),
    ("--format", {"type": OneOf(("table", "json"))}),
)
"""Accepted before the command and behind it; what stands behind goes before."""


def _settle(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    """Keep what an option says where commands find it."""
    if value is None:
        return
    if context.obj is None:
        context.obj = App()
    match parameter.opts[0]:
        case "--lang":
            speak(value)
        case "--format":
            context.obj.out.json = value == "json"
        case "--as":
            context.obj.claimed = value
        case "--zone":
            context.obj.zone = value
            live_in(value)
        case option:
            setattr(context.obj, option.removeprefix("--"), value)


def _general(*, before: bool) -> list[click.Option]:
    kept = {} if before else {"envvar": None}
    # Kept under names that no option of a single command has.
    return [
        click.Option(
            [option, f"crm_{option.removeprefix('--')}"],
            **{**settings, **kept, "callback": _settle, "expose_value": False},
        )
        for option, settings in _GENERAL
    ]


Told.behind = _general(before=False)


class Commands(ToldGroup):
    """Loads the module of a command when the command is used."""

    def _behind(self) -> Sequence[click.Option]:
        return ()

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*COMMANDS, *self._brought()})

    def groups(self, ctx: click.Context) -> Sequence[tuple[str, Sequence[str]]]:
        own = [(say(f"help_{group}"), sorted(names)) for group, names in GROUPS.items()]
        return [*own, (say("help_brought"), self._brought())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        # A package adds commands and replaces none.
        if cmd_name in COMMANDS:
            import_module(f"crm_adapters.cli.{COMMANDS[cmd_name]}")
        elif cmd_name in self._brought():
            from crm_adapters.cli.brought import command_of

            return command_of(cmd_name)
        return super().get_command(ctx, cmd_name)

    def told_shortly(self, ctx: click.Context, name: str) -> str:
        if name in COMMANDS:
            return super().told_shortly(ctx, name)
        from crm_adapters.cli.brought import shortly

        return shortly(name)

    def _brought(self) -> list[str]:
        from crm_adapters import extensions

        return [name for name in extensions.names(extensions.COMMANDS) if name not in COMMANDS]


def _show_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted:
        return
    click.echo(say("version", version=version_of("crm-core") or say("version_unknown")))
    context.exit()


def version_of(package: str) -> str | None:
    """The version of an installed package; None where it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_show_version)
@click.pass_context
def crm(context: click.Context) -> None:
    """Decide about households, and be able to prove it."""
    if context.obj is None:
        context.obj = App()


crm.params[:0] = _general(before=True)


def command(name: str, within: click.Group = crm) -> Callable[[Callable[..., Any]], click.Command]:
    """A command of `crm`, or of a group in it, that is given what all commands share."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        return within.command(name, cls=Told)(click.pass_obj(function))

    return decorate


# --- options of several commands ---------------------------------------------------------------

used_policies = click.option("--policy", multiple=True, metavar="FILE.toml")

used_engine = click.option("--engine", default=EVENTS, show_default=True)


def said_by_member(function: Callable[..., Any]) -> Callable[..., Any]:
    """The three options that say where a member's word is on record; see `word_of`."""
    for option in (
        click.option("--word-reference", metavar="TEXT"),
        click.option("--word-channel", type=OneOf(CHANNELS), metavar="NAME"),
        click.option("--word-member", type=ID, metavar="MEMBER"),
    ):
        function = option(function)
    return function


def word_of(member: str | None, channel: str | None, reference: str | None) -> Word | None:
    """The word of a member of the household, or None where nothing is said of one.

    Raises:
        UsageError: a part of it is missing.
    """
    said = Word(member or "", channel or "", (reference or "").strip())
    parts = {
        "--word-member": said.member,
        "--word-channel": said.channel,
        "--word-reference": said.reference,
    }
    missing = [option for option, value in parts.items() if not value]
    if (member, channel, reference) == (None, None, None):
        return None
    if missing:
        raise click.UsageError(say("word_incomplete", missing=missing), click.get_current_context())
    return said


def check_household(opened: CRM, household: str) -> None:
    """That the household has a file.

    Raises:
        Invalid: it has none.
    """
    if not opened.log.tips([f"household/{household}"]):
        raise Invalid.one("household_unknown", household=household)


# --- policies ----------------------------------------------------------------------------------


def policies_of(named: Sequence[str]) -> tuple[PolicyBook, str]:
    """The book to use and the name to look up: a path of a TOML file adds what it holds."""
    # Most commands name none, and help needs no slice.
    from crm_adapters.slices import installed
    from crm_core.gradings.policy import GradingPolicy
    from crm_core.policies import PolicyBook, parse_policy

    book, name = PolicyBook(shipped=installed()), ""
    for name in named:
        if name.endswith(".toml"):
            parsed = parse_policy(GradingPolicy, policy_file(name), name)
            book, name = book.add(parsed), str(parsed.ref)  # noqa: PLW2901
    return book, name


def policy_file(path: str) -> str:
    """The text of a policy file.

    Raises:
        Invalid: it is not there, or is not UTF-8.
    """
    try:
        with Path(path).open("rb") as file:
            text = file.read(POLICY_BYTES_MAX + 1)
        if len(text) > POLICY_BYTES_MAX:
            raise Invalid.one(
                "policy_unreadable", "--policy", sentence="policy_too_large", path=path,
                most=POLICY_BYTES_MAX,
            )  # fmt: skip
        return text.decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid.one("policy_unreadable", "--policy", path=path) from error
