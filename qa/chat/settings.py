"""Settings of the chat platforms: ``QA_CHAT_*`` for all of them, ``QA_<PLATFORM>_*`` for each."""

from __future__ import annotations

from typing import Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from qa.errors import ConfigError


class ChatSettings(BaseSettings):
    """What holds for every platform."""

    model_config = SettingsConfigDict(env_prefix="QA_CHAT_", frozen=True, extra="ignore")

    workers: int = Field(default=4, ge=1, le=64, description="chat questions answered at one time")
    queue: int = Field(default=100, ge=1, le=10_000, description="chat questions that may wait")
    per_minute: int = Field(default=20, ge=1, le=10_000, description="questions a minute of one user")
    history_minutes: int = Field(default=60, ge=1, le=10_080, description="how long a conversation is remembered")
    generator: Literal["extractive", "model"] = Field(default="extractive", description="what writes chat answers")


Read = TypeVar("Read", bound=BaseSettings)


def read(kind: type[Read]) -> Read:
    """The settings of one class, from the environment. Raises ConfigError naming the variable that is wrong."""
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        wrong = "; ".join(f"{prefix}{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
        # The cause is left out: it would show the values, and they may be secrets.
        raise ConfigError(f"Setting not usable: {wrong}", "Correct or unset the environment variable.") from None
