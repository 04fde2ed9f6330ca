"""How commands print: text that came from articles is never markup and never steers the terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from qa.errors import CiteqaError, InputError
from qa.messages import heading, say

if TYPE_CHECKING:
    from rich.table import Table

    from qa.index import Index
    from qa.ingest.pipeline import Progress

Watch = Callable[["Progress"], None]

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Control characters, direction overrides and halves of characters (as in names of files that are not text)
    replaced, so that a text can be printed and cannot move the cursor or hide itself."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


def out(text: str = "") -> None:
    """A line of the result, on stdout."""
    print(visible(text))


def exact(text: str) -> None:
    """A text as it is on stdout; made visible where a person reads it on a terminal."""
    if sys.stdout.isatty():
        out(text)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass"))
    sys.stdout.buffer.flush()


def json(value: dict[str, object]) -> None:
    """JSON on stdout, the same bytes as over HTTP, and a line end."""
    from qa.service.shape import dumps

    exact(dumps(value) + "\n")


def note(text: str) -> None:
    """A line about the work, on stderr."""
    print(visible(text), file=sys.stderr, flush=True)


def fail(error: CiteqaError) -> int:
    """Report an error; returns the exit code."""
    meaning = heading(error.code)
    note(f"{say('error')}: {f'{meaning}：' if meaning else ''}{error.message}")
    if error.hint:
        note(f"  {error.hint}")
    return error.exit_code


def warn(text: str) -> None:
    note(f"{say('warning')}: {text}")


def typed(text: str) -> str:
    """What was typed, if it is text. Raises InputError for bytes that the terminal's encoding does not know."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            "An argument is not valid text.", "Type it in the encoding of the terminal (UTF-8)."
        ) from error
    return text


def table(*columns: str) -> Table:
    """A plain table headed by the messages ``column.*``."""
    from rich import box
    from rich.table import Table

    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(say(f"column.{column}"), overflow="fold", no_wrap=column == "id")
    return made


def show(made: Table) -> None:
    from rich.console import Console

    Console(
        file=sys.stdout, markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else 160
    ).print(made)


def cell(value: object) -> str:
    return "" if value is None else visible(str(value))


def confirm(question: str, yes: bool) -> bool:
    """Ask on a terminal. Raises InputError where nobody can be asked."""
    if yes:
        return True
    if not sys.stdin.isatty():
        raise InputError(say("confirm.needed"), say("confirm.hint"))
    import typer

    if not typer.confirm(visible(question)):
        note(say("confirm.refused"))
        return False
    return True


def encoder_note(what: str) -> None:
    """What takes long before an encoder can be used."""
    note(say("encoder", what=what))


@contextmanager
def opened(*, create: bool = False) -> Iterator[Index]:
    """The index of this process's settings. Raises NoIndexError and what else opening may raise."""
    from qa.index import Index

    with Index.open(create=create, progress=encoder_note) as index:
        yield index


@contextmanager
def watched() -> Iterator[Watch | None]:
    """A progress bar, on a terminal; None elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich import progress as rich
    from rich.console import Console

    name = rich.TextColumn("{task.fields[name]}", markup=False)
    columns = (rich.TextColumn("{task.description}"), rich.BarColumn(), rich.MofNCompleteColumn(), name)
    with rich.Progress(*columns, rich.TimeElapsedColumn(), console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task("", total=None, name="")

        def watch(now: Progress) -> None:
            stage = say(f"stage.{now.stage}")
            bar.update(task, description=stage, total=now.total, completed=now.done, name=_short(now.name))

        yield watch


def _short(name: str) -> str:
    shown = visible(name).replace("\n", " ")
    return shown if len(shown) <= 40 else f"…{shown[-39:]}"
