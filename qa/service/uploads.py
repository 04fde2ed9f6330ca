"""What `POST /v1/documents` may carry: files in a form, a page's address, or a text."""

from __future__ import annotations

import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, BinaryIO, Final

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException

from qa.config import Settings
from qa.errors import InputError
from qa.service.bodies import schema
from qa.service.errors import TooLargeError
from qa.service.models import CollectionRequest, DocumentRequest
from qa.store.jobs import Item

MAX_FILES: Final = 100
"""Files in one request."""
_BATCH_FILES: Final = 4
"""A request may be as large as this many of the largest files."""
_MAX_NAME: Final = 200

_FORM: Final = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {"type": "array", "maxItems": MAX_FILES, "items": {"type": "string", "format": "binary"}},
        "collection": {"type": "string", "default": "default"},
    },
}
OPENAPI: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            "application/json": {"schema": schema(DocumentRequest)},
        },
    }
}


@dataclass(frozen=True, slots=True)
class Upload:
    """What one request sent; ``files`` are the bytes of ``items``, in order, open until the request ends."""

    collection: str
    items: tuple[Item, ...]
    files: tuple[BinaryIO, ...] = ()


def max_body(settings: Settings) -> int:
    """Largest body of an upload, in bytes."""
    return _BATCH_FILES * settings.max_file_mb * 1_000_000


@asynccontextmanager
async def received(request: Request, settings: Settings) -> AsyncIterator[Upload]:
    """Read the request's body. Raises InputError, TooLargeError, pydantic's ValidationError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        yield _from_json(DocumentRequest.model_validate_json(await request.body()), settings)
        return
    if kind != "multipart/form-data":
        raise InputError("The body is neither a form nor JSON.", "Send multipart/form-data, or application/json.")
    try:
        form = await request.form(max_files=MAX_FILES, max_fields=10, max_part_size=10_000)
    except HTTPException as error:
        raise InputError(
            f"The form cannot be read: {error.detail}", "Send the files as multipart/form-data."
        ) from error
    try:
        yield _from_form(form, settings)
    finally:
        await form.close()


def _from_json(asked: DocumentRequest, settings: Settings) -> Upload:
    if asked.text is None:
        return Upload(asked.collection, (Item(str(asked.url), url=asked.url),))
    if len(asked.text.encode()) > settings.max_file_mb * 1_000_000:
        raise _too_large(str(asked.title), settings)
    fields = asked.model_dump(exclude={"collection"})
    return Upload(asked.collection, (Item(str(asked.title), **fields),))


def _from_form(form: FormData, settings: Settings) -> Upload:
    unknown = sorted({key for key, _ in form.multi_items()} - {"files", "collection"})
    if unknown:
        raise InputError(f"The form has no field {unknown[0][:80]!r}.", "Its fields are `files` and `collection`.")
    files = [value for value in form.getlist("files") if isinstance(value, UploadFile)]
    if not files:
        raise InputError("The form has no file.", "Send each file as a part named `files`, with a file name.")
    for file in files:
        if (file.size or 0) > settings.max_file_mb * 1_000_000:
            raise _too_large(safe_name(file.filename), settings)
    collection = CollectionRequest.model_validate({"name": form.get("collection", "default")}).name
    items = tuple(Item(safe_name(file.filename), file=str(number)) for number, file in enumerate(files))
    return Upload(collection, items, tuple(file.file for file in files))


def safe_name(name: str | None) -> str:
    """The last part of a file name that a client chose, without what cannot be shown."""
    last = PurePosixPath((name or "").replace("\\", "/")).name
    shown = "".join(character for character in last if unicodedata.category(character)[0] != "C")
    return shown.strip()[-_MAX_NAME:] if shown.strip(" .") else "upload"


def _too_large(name: str, settings: Settings) -> TooLargeError:
    return TooLargeError(
        f"{name} is larger than {settings.max_file_mb} MB.", "Split it, or raise QA_MAX_FILE_MB on the server."
    )
