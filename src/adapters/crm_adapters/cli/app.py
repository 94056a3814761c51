"""The command line, whole: all commands, and every error in one clear line.

Exit status: 0 done, 1 the check found something, 2 bad usage or input, 130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from attrs import evolve

from crm_adapters.cli.group import BAD, INTERRUPTED, App, crm
from crm_adapters.cli.helping import told_usage
from crm_adapters.cli.language import language_asked, say, speak, spoken, word
from crm_adapters.cli.output import one_line
from crm_adapters.cli.shown import in_estate, live_in, zone_asked
from crm_core.errors import CrmError, Failed, Fault, Invalid, Refused
from crm_core.kernel.sentences import Lang


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; every error is one clear line, never a traceback."""
    # A short process that makes many values and no cycles: collecting seldom saves a third.
    gc.set_threshold(100_000, 50, 100)
    words = sys.argv[1:] if arguments is None else list(arguments)
    speak(language_asked(words))
    live_in(zone_asked())
    _fill_descriptors()
    if sys.stdout is None:
        # Before anything is done of which nobody would hear.
        closed = Invalid.one("output_closed")
        return _bad(*told(closed))
    app = App()
    try:
        result = crm.main(args=words, prog_name="crm", standalone_mode=False, obj=app)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.Abort:
        return _interrupted(app)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show(sys.stderr)
        return BAD
    except click.ClickException as error:
        return _bad(f"{_usage(error)} [{Invalid.code} usage_wrong]")
    except CrmError as error:
        for line in told(error):
            _bad(line)
        return BAD
    except OSError as error:
        what = f"`{error.filename}`: {error.strerror}" if error.filename else str(error)
        return _bad(f"{what} [{Invalid.code} file_unusable]")
    except ModuleNotFoundError:
        # Which extra has it is said where the command line begins.
        raise
    except Exception as error:  # noqa: BLE001 - the last resort of a person without Python
        strange = _not_text(words)
        if isinstance(error, UnicodeEncodeError) and strange is not None:
            return _bad(f"{say('not_utf8', text=strange)} [{Invalid.code} usage_wrong]")
        return _bad(f"{_unexpected(error)} [{Failed.code} unexpected_error]")
    return result if isinstance(result, int) else 0


def _fill_descriptors() -> None:
    """Give closed standard streams something to be.

    The number of one that is closed goes to the next file that is opened: that may be the log, and
    what somebody then prints would be written into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest number that is free is given, and that is this one.
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115 - until the process ends


def told(error: CrmError) -> list[str]:
    """An error in the language that is spoken, with its codes; each fault in a line of its own."""
    lang = spoken()
    match error:
        case Refused():
            sentence = say("refused", rule=error.rule, why=error.told(lang))
            return [f"{sentence} [{error.code} {error.reason}]"]
        case Invalid():
            return [f"{_placed(fault, lang)} [{error.code} {fault.code}]" for fault in error.faults]
    return [f"{error.told(lang)} [{error.code}]"]


def _placed(fault: Fault, lang: Lang) -> str:
    """A fault with its place: an argument by the name that help has for it."""
    named = word("metavar", fault.where, lang)
    where = fault.where if named == fault.where else named
    told = evolve(fault, where="").told(lang)
    return say("named_value", name=where, value=told) if where else told


def _bad(text: str) -> int:
    sys.stderr.write(f"crm: {one_line(in_estate(text))}\n")
    return BAD


def _interrupted(app: App) -> int:
    """Whether anything was kept, as the log itself says."""
    try:
        kept = app.kept_events()
        if kept:
            _bad(say("interrupted_kept", events=kept))
        else:
            _bad(say("interrupted_nothing"))
    except CrmError:
        _bad(say("interrupted_unknown"))
    except KeyboardInterrupt:  # Once more: there is no time to look.
        _bad(say("interrupted"))
    return INTERRUPTED


def _not_text(arguments: Sequence[str]) -> str | None:
    """The first argument whose bytes are no text; only the name of a file may be such."""
    for argument in arguments:
        try:
            argument.encode()
        except UnicodeEncodeError:
            return argument
    return None


def _unexpected(error: Exception) -> str:
    """Where it went wrong; never the error's own words, which may hold personal data."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return say("unexpected", kind=type(error).__name__)
    file = Path(frame.tb_frame.f_code.co_filename).name
    return say("unexpected_at", kind=type(error).__name__, file=file, line=frame.tb_lineno)


def _usage(error: click.ClickException) -> str:
    """What is wrong with a command line, in one line, and where help is."""
    message = " ".join(told_usage(error).split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.command_path if context is not None else "crm"
    return say("usage_wrong", why=message, command=command)
