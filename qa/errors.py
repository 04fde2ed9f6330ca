"""Every error that citeqa raises on purpose.

    CiteqaError
    ├── InputError              what the caller sent is wrong (HTTP 400, exit 2)
    │   ├── QuestionError       empty or over-long question, top_k out of range, malformed filter
    │   ├── ReadError           a file or page that cannot be read
    │   └── FetchError          a page that cannot or must not be fetched
    ├── NotFoundError           no such document, passage, collection, job or model (HTTP 404, exit 1)
    ├── ConflictError           it exists already, or somebody else is writing (HTTP 409, exit 1)
    ├── IndexError_             the index directory cannot be used (HTTP 503, exit 1)
    │   ├── NoIndexError        nothing was ingested yet
    │   ├── EncoderMismatchError  the index was built with another encoder
    │   ├── DamagedIndexError   a file of the index fails its checksum
    │   └── FormatError         the index was written by an unknown format version
    ├── EngineError             Milvus cannot be reached, refuses, or lacks what it should hold (HTTP 503, exit 1)
    ├── AccessError             the caller may not do this
    │   ├── UnauthorizedError   no key, or one that is not good (HTTP 401, exit 1)
    │   └── ForbiddenError      the key does not have this right (HTTP 403, exit 1)
    ├── EncoderError            the encoder cannot be built or loaded (HTTP 503, exit 1)
    ├── ModelError              the model that writes answers fails; answers are quoted instead (HTTP 503, exit 1)
    ├── BusyError               a bound is reached, try again later (HTTP 503, exit 1)
    ├── SignatureError          a chat platform's request is not signed as it should be (HTTP 401)
    ├── EvalError               an eval set is malformed (HTTP 400, exit 1)
    └── ConfigError             a setting is wrong (exit 2)

Each carries ``code`` (stable, for programs), a message (what happened) and ``hint`` (what to do about it).
"""

from __future__ import annotations


class CiteqaError(Exception):
    """Base of all errors here: ``str(error)`` is the message, ``error.hint`` says what to do."""

    code = "error"
    status = 500
    exit_code = 1

    def __init__(self, message: str, hint: str = "", *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        if code is not None:
            self.code = code


class InputError(CiteqaError):
    code, status, exit_code = "bad_input", 400, 2


class QuestionError(InputError):
    code = "bad_question"


class ReadError(InputError):
    code = "unreadable"


class FetchError(InputError):
    code = "not_fetched"


class NotFoundError(CiteqaError):
    code, status = "not_found", 404


class ConflictError(CiteqaError):
    code, status = "conflict", 409


class IndexError_(CiteqaError):
    code, status = "index_unusable", 503


class NoIndexError(IndexError_):
    code = "no_index"


class EncoderMismatchError(IndexError_):
    code = "encoder_mismatch"


class DamagedIndexError(IndexError_):
    code = "index_damaged"


class FormatError(IndexError_):
    code = "index_format"


class EngineError(CiteqaError):
    code, status = "milvus_unavailable", 503


class AccessError(CiteqaError):
    """Says nothing of what the caller may not see."""


class UnauthorizedError(AccessError):
    code, status = "unauthorized", 401


class ForbiddenError(AccessError):
    code, status = "forbidden", 403


class EncoderError(CiteqaError):
    code, status = "encoder_unusable", 503


class ModelError(CiteqaError):
    code, status = "model_unusable", 503


class BusyError(CiteqaError):
    code, status = "busy", 503


class SignatureError(CiteqaError):
    code, status = "bad_signature", 401


class EvalError(CiteqaError):
    code, status = "bad_eval_set", 400


class ConfigError(CiteqaError):
    code, exit_code = "bad_setting", 2
