"""The command line: parse, call, print. Each command's work is in ``qa/commands``, loaded when it is called."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated, Literal

import typer

from qa.commands.eval import register as register_eval
from qa.errors import CiteqaError
from qa.messages import say

app = typer.Typer(help=say("help.qa"), add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
collections_app = typer.Typer(help=say("help.collections"))
doctor_app = typer.Typer(help=say("help.doctor"))
model_app = typer.Typer(help=say("help.model"))
app.add_typer(collections_app, name="collections")
app.add_typer(doctor_app, name="doctor")
app.add_typer(model_app, name="model")
keys_app = typer.Typer(help=say("help.keys"))
app.add_typer(keys_app, name="keys")

Collection = Annotated[str, typer.Option("--collection", help=say("opt.collection"))]
Json = Annotated[bool, typer.Option("--json", help=say("opt.json"))]
Id = Annotated[str, typer.Argument(metavar="ID", help=say("opt.id"))]
Yes = Annotated[bool, typer.Option("--yes", help=say("opt.yes"))]
Engine = Literal["local", "milvus"]
Scope = Literal["read", "write", "admin"]
Name = Annotated[str, typer.Argument(metavar="NAME", help=say("opt.name"))]
BackupFile = Annotated[str, typer.Argument(metavar="FILE", help=say("opt.file"))]


@app.callback(invoke_without_command=True)
def qa(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help=say("help.version"))] = False
) -> int | None:
    if version:
        print_version()
        raise typer.Exit(0)
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)
    return None


@app.command(help=say("help.ingest"))
def ingest(
    locations: Annotated[list[str], typer.Argument(metavar="PATH|URL...", help=say("opt.locations"))],
    collection: Collection = "default",
    json: Json = False,
) -> int:
    from qa.commands import documents

    return documents.ingest(locations, collection, json)


@app.command(help=say("help.search"))
def search(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help=say("opt.question"))],
    top_k: Annotated[int, typer.Option("--top-k", help=say("opt.top_k"))] = 5,
    collection: Collection = "default",
    publisher: Annotated[str | None, typer.Option("--publisher", help=say("opt.publisher"))] = None,
    published_from: Annotated[str | None, typer.Option("--from", metavar="DATE", help=say("opt.from"))] = None,
    published_to: Annotated[str | None, typer.Option("--to", metavar="DATE", help=say("opt.to"))] = None,
    language: Annotated[str | None, typer.Option("--language", help=say("opt.language"))] = None,
    json: Json = False,
) -> None:
    from qa.commands import search as command

    asked = command.Asked(question, top_k, collection, publisher, published_from, published_to, language)
    command.search(asked, json)


@app.command(help=say("help.ask"))
def ask(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help=say("opt.question"))],
    top_k: Annotated[int, typer.Option("--top-k", help=say("opt.top_k"))] = 5,
    collection: Collection = "default",
    history: Annotated[list[str] | None, typer.Option("--history", help=say("opt.history"))] = None,
    model: Annotated[bool, typer.Option("--model", help=say("opt.use_model"))] = False,
    json: Json = False,
) -> None:
    from qa.commands import ask as command

    command.ask(command.Asked(question, top_k, collection, tuple(history or ()), model), json)


@app.command("list", help=say("help.list"))
def list_documents(
    collection: Collection = "default",
    offset: Annotated[int, typer.Option("--offset", min=0, help=say("opt.offset"))] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help=say("opt.limit"))] = 100,
    json: Json = False,
) -> None:
    from qa.commands import documents

    documents.list_documents(collection, offset, limit, json)


@app.command(help=say("help.show"))
def show(
    document: Id,
    collection: Collection = "default",
    source: Annotated[bool, typer.Option("--source", help=say("opt.source"))] = False,
    passages: Annotated[bool, typer.Option("--passages", help=say("opt.passages"))] = False,
    json: Json = False,
) -> None:
    from qa.commands import documents

    documents.show_document(document, collection, source, passages, json)


@app.command(help=say("help.delete"))
def delete(
    document: Id,
    collection: Collection = "default",
    forever: Annotated[bool, typer.Option("--forever", help=say("opt.forever"))] = False,
    yes: Yes = False,
) -> int:
    from qa.commands import documents

    return documents.delete(document, collection, forever, yes)


@app.command(help=say("help.undelete"))
def undelete(document: Id, collection: Collection = "default") -> None:
    from qa.commands import documents

    documents.undelete(document, collection)


@collections_app.callback(invoke_without_command=True)
def collections(context: typer.Context, json: Json = False) -> None:
    if context.invoked_subcommand is None:
        list_collections(json)


@collections_app.command("list", help=say("help.collections.list"))
def list_collections(json: Json = False) -> None:
    from qa.commands import documents

    documents.list_collections(json)


@collections_app.command("create", help=say("help.collections.create"))
def create_collection(name: Name) -> None:
    from qa.commands import documents

    documents.create_collection(name)


@collections_app.command("drop", help=say("help.collections.drop"))
def drop_collection(name: Name, yes: Yes = False) -> int:
    from qa.commands import documents

    return documents.drop_collection(name, yes)


@app.command(help=say("help.serve"))
def serve(
    host: Annotated[str | None, typer.Option("--host", help=say("opt.host"))] = None,
    port: Annotated[int | None, typer.Option("--port", min=0, max=65535, help=say("opt.port"))] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help=say("opt.workers"))] = 1,
    allow_anonymous: Annotated[bool, typer.Option("--allow-anonymous", help=say("opt.anonymous"))] = False,
) -> None:
    from qa.commands import server

    server.serve(host, port, workers, allow_anonymous)


@app.command(help=say("help.mcp"))
def mcp() -> None:
    from qa.commands import mcp as command

    command.mcp()


@keys_app.command("create", help=say("help.keys.create"))
def create_key(
    label: Annotated[str, typer.Argument(metavar="LABEL", help=say("opt.label"))],
    scope: Annotated[Scope, typer.Option("--scope", help=say("opt.scope"))] = "read",
    collections: Annotated[list[str] | None, typer.Option("--collection", help=say("opt.key_collection"))] = None,
    origins: Annotated[list[str] | None, typer.Option("--origin", help=say("opt.origin"))] = None,
    days: Annotated[int | None, typer.Option("--days", help=say("opt.days"))] = None,
    json: Json = False,
) -> None:
    from qa.commands import keys

    keys.create(label, scope, collections or [], origins or [], days, json)


@keys_app.command("list", help=say("help.keys.list"))
def list_keys(json: Json = False) -> None:
    from qa.commands import keys

    keys.list_keys(json)


@keys_app.command("revoke", help=say("help.keys.revoke"))
def revoke_key(key: Annotated[str, typer.Argument(metavar="ID", help=say("opt.key"))]) -> None:
    from qa.commands import keys

    keys.revoke(key)


@doctor_app.callback(invoke_without_command=True)
def doctor(
    context: typer.Context,
    repair: Annotated[bool, typer.Option("--repair", help=say("opt.repair"))] = False,
    reencode: Annotated[bool, typer.Option("--reencode", help=say("opt.reencode"))] = False,
    rollback: Annotated[bool, typer.Option("--rollback", help=say("opt.rollback"))] = False,
    drop_previous: Annotated[bool, typer.Option("--drop-previous", help=say("opt.drop_previous"))] = False,
    yes: Yes = False,
    json: Json = False,
) -> int:
    from qa.commands import doctor as command

    if context.invoked_subcommand is not None:
        return 0
    if reencode:
        return command.reencode()
    if rollback:
        return command.rollback(yes)
    return command.drop_previous() if drop_previous else command.doctor(repair, json)


@doctor_app.command("chat", help=say("help.doctor.chat"))
def doctor_chat(json: Json = False) -> int:
    from qa.commands import doctor as command

    return command.chat(json)


@app.command(help=say("help.backup"))
def backup(file: BackupFile, json: Json = False) -> None:
    from qa.commands import backup as command

    command.backup(file, json)


@app.command(help=say("help.restore"))
def restore(
    file: BackupFile,
    force: Annotated[bool, typer.Option("--force", help=say("opt.force"))] = False,
    json: Json = False,
) -> None:
    from qa.commands import backup as command

    command.restore(file, force, json)


@app.command(help=say("help.migrate"))
def migrate(
    to: Annotated[Engine, typer.Option("--to", help=say("opt.store"))],
    database_url: Annotated[str, typer.Option("--database-url", help=say("opt.database_url"))] = "",
    index_dir: Annotated[str, typer.Option("--index-dir", help=say("opt.index_dir"))] = "",
    force: Annotated[bool, typer.Option("--force", help=say("opt.force"))] = False,
    json: Json = False,
) -> int:
    from qa.commands import migrate as command

    return command.migrate(to, database_url, index_dir, force, json)


@model_app.command("export", help=say("help.model.export"))
def export_model(name: Annotated[str, typer.Argument(metavar="NAME", help=say("opt.model"))]) -> None:
    from qa.commands import model

    model.export(name)


@app.command(help=say("help.bench"))
def bench(
    folder: Annotated[str | None, typer.Argument(metavar="FOLDER", help=say("opt.folder"))] = None,
    threads: Annotated[int, typer.Option("--threads", min=1, max=256, help=say("opt.threads"))] = 8,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, max=3600, help=say("opt.seconds"))] = 5.0,
    json: Json = False,
) -> None:
    from qa.commands import bench as command

    command.bench(folder, threads, seconds, json)


register_eval(app)


@app.command("version", help=say("help.version"))
def print_version() -> None:
    from importlib.metadata import version

    print(version("citeqa"))


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns its exit code. Whatever goes wrong is told in one line and a hint, on stderr."""
    try:
        code = typer.main.get_command(app).main(list(arguments), prog_name="qa", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - the reader has gone; nothing is left to be told
        return 1
    except Exception as error:
        return _failed(error)
    if code == 130:
        _complain(say("interrupted"), "")
    return int(code or 0)


def main() -> None:
    # A search multiplies small matrices in many threads at a time: threads of BLAS's own would wait for each other.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    sys.exit(run(sys.argv[1:]))


def _failed(error: Exception) -> int:
    if os.environ.get("QA_TRACEBACK"):
        import traceback

        traceback.print_exception(error)
    if isinstance(error, CiteqaError):
        from qa.commands.output import fail

        return fail(error)
    if isinstance(error, typer.TyperException):
        hint = say("usage.hint", command=getattr(getattr(error, "ctx", None), "command_path", "qa"))
        return _complain(error.format_message(), hint, error.exit_code)
    if isinstance(error, typer.Abort):
        return _complain(say("interrupted"), "", 130)
    if isinstance(error, OSError):
        return _complain(say("system", what=error), say("system.hint"))
    return _complain(say("unexpected", what=f"{type(error).__name__}: {error}"), say("unexpected.hint"))


def _complain(message: str, hint: str, code: int = 1) -> int:
    from qa.commands.output import note

    note(f"{say('error')}: {message}")
    if hint:
        note(f"  {hint}")
    return code
