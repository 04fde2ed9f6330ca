"""WeCom's signatures and encryption, with wechatpy's code as the peer."""

from __future__ import annotations

import base64
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qa.chat.wecom_crypto import Seal

with warnings.catch_warnings():
    # It is written for Python 2 too, and says so at the import.
    warnings.simplefilter("ignore")
    from wechatpy.crypto import PrpCrypto, WeChatCrypto
    from wechatpy.exceptions import InvalidSignatureException

KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
TOKEN = "a-token"
PEER = WeChatCrypto(TOKEN, KEY, "")


def sealed_by_peer(text: str, receiver: str = "") -> str:
    return PrpCrypto(PEER.key).encrypt(text, receiver).decode()


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=500))
def test_both_read_what_the_other_seals(text: str) -> None:
    seal = Seal(TOKEN, KEY)
    assert seal.decrypt(sealed_by_peer(text)).decode() == text
    assert seal.decrypt(seal.encrypt(text.encode())).decode() == text
    mine = seal.encrypt(text.encode())
    signed = seal.signature("1700000000", "n", mine)
    assert PEER.decrypt_message({"Encrypt": mine}, signed, "1700000000", "n") == text


def test_the_peer_takes_our_signature_and_no_other() -> None:
    sealed = sealed_by_peer("hello")
    signed = Seal(TOKEN, KEY).signature("1700000000", "n", sealed)
    assert PEER.decrypt_message({"Encrypt": sealed}, signed, "1700000000", "n") == "hello"
    for wrong in (signed[:-1], Seal("another", KEY).signature("1700000000", "n", sealed)):
        with pytest.raises(InvalidSignatureException):
            PEER.decrypt_message({"Encrypt": sealed}, wrong, "1700000000", "n")


def test_a_message_for_another_receiver_is_refused() -> None:
    with pytest.raises(ValueError, match="receiver"):
        Seal(TOKEN, KEY).decrypt(sealed_by_peer("hello", "corp"))


@settings(deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda raw: base64.b64encode(raw).decode()))
def test_what_was_not_sealed_with_the_key_is_a_value_error(sealed: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Seal(TOKEN, KEY).decrypt(sealed)


@pytest.mark.parametrize("key", ["", "short", KEY[:-1], KEY + "A", "é" * 43, "!" * 43])
def test_a_key_that_cannot_be_one_is_refused(key: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        Seal(TOKEN, key)


def test_neither_key_nor_token_is_shown() -> None:
    assert KEY not in repr(Seal(TOKEN, KEY))
    assert TOKEN not in repr(Seal(TOKEN, KEY))
