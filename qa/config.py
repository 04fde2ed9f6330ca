"""Settings: one frozen object, read once from ``QA_*`` environment variables.

Every field is documented in README.md (a test compares the two).
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from qa.errors import ConfigError

_DATABASE = re.compile(r"(?:postgres(?:ql)?(?:\+psycopg)?://\S+)?")


def _default_cache() -> Path:
    return Path.home() / ".cache" / "citeqa"


class Settings(BaseSettings):
    """What an operator may choose. Sizes are in the unit that the field's description names."""

    model_config = SettingsConfigDict(env_prefix="QA_", frozen=True, extra="ignore", hide_input_in_errors=True)

    index_dir: Path = Field(default=Path("index"), description="directory of the index")
    database_url: SecretStr = Field(
        default=SecretStr(""),
        description="PostgreSQL database of the index's records; empty: SQLite in `QA_INDEX_DIR`; never shown",
    )
    store: Literal["local", "milvus"] = Field(
        default="local", description="what searches: `local` (FAISS, on this machine) or `milvus`"
    )
    milvus_uri: str = Field(
        default="", pattern="^(https?://[^\\s?#]+)?$", description="address of the Milvus server, for QA_STORE=milvus"
    )
    milvus_token: SecretStr = Field(
        default=SecretStr(""), description="`user:password` or API key for Milvus; never shown"
    )
    milvus_alias: str = Field(
        default="citeqa",
        pattern="^[A-Za-z_][A-Za-z0-9_]{0,99}$",
        description="name of this index on the Milvus server; another for each index that shares one",
    )
    milvus_shards: int = Field(default=1, ge=1, le=16, description="shards of a new Milvus collection")
    milvus_replicas: int = Field(default=1, ge=1, le=16, description="copies of it in the memory of query nodes")
    milvus_timeout: float = Field(
        default=30.0, gt=0, le=600, description="seconds that a call to Milvus may take, with everything tried again"
    )
    corpus_dir: Path = Field(
        default=Path("corpus/articles"), description="articles that `qa serve` indexes on first start"
    )
    evals_dir: Path = Field(default=Path("evals"), description="question sets that the Evals page can run")
    cache_dir: Path = Field(default_factory=_default_cache, description="where the encoder is built")
    encoder: str = Field(
        default="packaged", description="`packaged`, or the name or path of a sentence-transformers model"
    )
    engine: str = Field(default="fast", pattern="^(fast|torch)$", description="`fast` (ONNX Runtime) or `torch`")
    threads: int = Field(default=0, ge=0, le=256, description="threads for encoding; 0 means one per core")
    host: str = Field(default="127.0.0.1", description="address that `qa serve` listens on")
    port: int = Field(default=8000, ge=0, le=65535, description="port that `qa serve` listens on")
    public_url: str = Field(
        default="",
        pattern="^(https?://[^\\s?#]+)?$",
        description="address at which people reach the service, for links",
    )
    anonymous: Literal["auto", "none", "read", "write", "admin"] = Field(
        default="auto",
        description="what may be done without a key; `auto`: everything on loopback until a key is made, else nothing",
    )
    trusted_hosts: str = Field(
        default="", description="names it answers to, by comma; empty: this machine's on loopback, elsewhere any"
    )
    trusted_proxies: str = Field(
        default="", description="addresses of proxies, by comma, whose X-Forwarded-For and -Proto are believed"
    )
    cors_origins: str = Field(default="", description="web origins, by comma, whose pages may call the service")
    rate: int = Field(
        default=600, ge=0, le=1_000_000, description="requests a minute for each key, or address without one; 0: any"
    )
    log: Literal["quiet", "text", "json"] = Field(
        default="quiet", description="`quiet`: warnings; `text` or `json`: a line for each request too"
    )
    max_question_chars: int = Field(default=2000, ge=10, le=100_000, description="longest question, in characters")
    max_top_k: int = Field(default=100, ge=1, le=1000, description="largest top_k")
    max_file_mb: int = Field(default=32, ge=1, le=1024, description="largest file read, in MB (10^6 bytes)")
    chat_citations: Literal["links", "bare", "open-webui"] = Field(
        default="links", description="how chat clients get citations: `links`, `bare` marks, or `open-webui` events"
    )
    model_base_url: str = Field(default="", description="OpenAI-compatible endpoint that writes answers; empty: none")
    model_name: str = Field(default="", description="name of the model there")
    model_api_key: SecretStr = Field(default=SecretStr(""), description="key for it; never shown")
    model_timeout: float = Field(
        default=60.0, gt=0, le=3600, description="seconds that the model may take for an answer"
    )
    unsupported: Literal["flag", "drop"] = Field(
        default="flag", description="what becomes of a model's sentences that the articles do not support"
    )
    max_queue: int = Field(default=64, ge=1, le=10_000, description="searches that may wait; more get 503")

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr) -> SecretStr:
        if not _DATABASE.fullmatch(url.get_secret_value()):
            raise ValueError("write postgresql://USER:PASSWORD@HOST:5432/NAME")
        return url


@cache
def settings() -> Settings:
    """The settings of this process. Raises ConfigError naming the variable that is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        raise _unusable(error) from error


def changed(given: Settings, **values: Any) -> Settings:
    """The same settings but for these. Raises ConfigError."""
    try:
        return Settings(**(given.model_dump() | values))
    except ValidationError as error:
        raise _unusable(error) from error


def _unusable(error: ValidationError) -> ConfigError:
    wrong = "; ".join(f"QA_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors())
    return ConfigError(f"Setting not usable: {wrong}", "Correct or unset the environment variable.")
