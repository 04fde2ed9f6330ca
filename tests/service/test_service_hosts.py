from __future__ import annotations

import pytest
from starlette.types import Scope

from qa.config import Settings
from qa.errors import ConfigError
from qa.service.hosts import Hosts, WrongHostError, is_loopback, origins


def passes(settings: Settings, host: str, path: str = "/v1/search") -> bool:
    scope: Scope = {"type": "http", "path": path, "headers": [(b"host", host.encode())]}
    try:
        Hosts(settings).check(scope)
    except WrongHostError:
        return False
    return True


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost", "LOCALHOST:1", "[::1]:8000", "app.localhost"])
def test_on_loopback_the_names_of_this_machine_pass(host: str) -> None:
    assert passes(Settings(), host)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "", "[::2]"])
def test_on_loopback_no_other_name_passes(host: str) -> None:
    assert not passes(Settings(), host)
    assert passes(Settings(), host, "/healthz")


def test_elsewhere_any_name_passes_until_some_are_listed() -> None:
    assert passes(Settings(host="0.0.0.0"), "whatever.example")
    listed = Settings(host="0.0.0.0", trusted_hosts="qa.example, *.sub.example")
    assert passes(listed, "qa.example:443")
    assert passes(listed, "a.sub.example")
    assert not passes(listed, "sub.example")
    assert not passes(listed, "whatever.example")
    assert passes(Settings(trusted_hosts="*"), "whatever.example")


def test_loopback_is_told_from_the_rest() -> None:
    assert all(map(is_loopback, ("127.0.0.1", "127.9.9.9", "::1", "localhost")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "example.org", "")))


def test_what_is_no_origin_is_refused_by_name() -> None:
    assert origins("https://a.example, http://b.example:8080") == {"https://a.example", "http://b.example:8080"}
    for wrong in ("a.example", "https://a.example/", "*", "ftp://a.example", "https://"):
        with pytest.raises(ConfigError, match="not a web origin"):
            origins(wrong)
