"""Which platforms there are, which of them are set up, and what the others lack."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Generic

from pydantic import SecretStr
from pydantic_settings import BaseSettings

from qa.chat.core import Core
from qa.chat.message import Connection
from qa.chat.push import Pusher
from qa.chat.settings import Read, read
from qa.errors import ConfigError

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Platform(Generic[Read]):
    """``required``: fields of the settings without which it stays off. ``routes``: `METHOD /path` of what it adds to
    the service. ``connect`` is called once all required fields are set. ``modules``: packages that it needs beyond
    the core's, and ``extra``, the extra of this package that brings them."""

    name: str
    settings: type[Read]
    required: tuple[str, ...]
    routes: tuple[str, ...]
    connect: Callable[[Read, Core, Pusher], Connection]
    modules: tuple[str, ...] = ()
    extra: str = ""

    def missing(self, chosen: BaseSettings) -> tuple[str, ...]:
        """The variables that are required and not set."""
        return tuple(self.variable(field) for field in self.required if not _value(chosen, field))

    def wanted(self, chosen: BaseSettings) -> bool:
        """Whether somebody began to set it up."""
        return any(_value(chosen, field) for field in self.required)

    def variable(self, field: str) -> str:
        return f"{self.settings.model_config.get('env_prefix', '')}{field.upper()}"

    def connected(self, core: Core, pusher: Pusher) -> Connection | None:
        """The platform at work; None while its secrets are not set. Raises ConfigError."""
        chosen = read(self.settings)
        missing = self.missing(chosen)
        if missing and self.wanted(chosen):
            _log.warning("%s is off: %s not set", self.name, ", ".join(missing))
        if missing:
            return None
        if absent := self.absent():
            raise ConfigError(f"{self.name} needs {', '.join(absent)}.", f"pip install 'citeqa[{self.extra}]'")
        return self.connect(chosen, core, pusher)

    def absent(self) -> tuple[str, ...]:
        """Packages that it needs and that are not installed."""
        return tuple(module for module in self.modules if find_spec(module) is None)


def platforms() -> tuple[Platform[Any], ...]:
    """All of them, in the order they are listed to people."""
    from qa.chat import dingtalk, feishu, slack, wecom

    return (
        Platform(
            "dingtalk",
            dingtalk.DingTalkSettings,
            ("client_id", "client_secret"),
            (),
            dingtalk.connect,
            ("dingtalk_stream",),
            "dingtalk",
        ),
        Platform(
            "feishu",
            feishu.FeishuSettings,
            ("app_id", "app_secret", "encrypt_key", "verification_token"),
            (f"POST {feishu.ROUTE}",),
            feishu.connect,
        ),
        Platform(
            "slack",
            slack.SlackSettings,
            ("signing_secret", "bot_token"),
            (f"POST {slack.PATH}",),
            slack.connect,
            ("slack_bolt", "aiohttp"),
            "slack",
        ),
        Platform(
            "wecom",
            wecom.WeComSettings,
            ("token", "aes_key"),
            (f"GET {wecom.ROUTE}", f"POST {wecom.ROUTE}"),
            wecom.connect,
        ),
    )


def _value(chosen: BaseSettings, field: str) -> str:
    value = getattr(chosen, field)
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
