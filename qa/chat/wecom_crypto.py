"""How a WeCom AI bot signs and encrypts, in both directions.

Source: "Encryption and decryption of callbacks and replies" of the WeCom developer centre (document 101033).
"""

from __future__ import annotations

import base64
import os
from hashlib import sha1

from qa.chat import aes

_SALT = 16
_LENGTH = 4
_PADDING_BLOCK = 32


class Seal:
    """Signs, encrypts and decrypts with the token and the EncodingAESKey (43 characters) of one bot.

    A bot of one's own enterprise has the empty string as its receiver id; it stands behind every message.
    Raises ValueError where the key cannot be one.
    """

    def __init__(self, token: str, encoding_aes_key: str) -> None:
        self._token = token
        self._key = base64.b64decode(encoding_aes_key + "=", validate=True)
        if len(self._key) != 32:
            raise ValueError("an EncodingAESKey has 43 characters")

    def __repr__(self) -> str:
        return "Seal(***)"

    def signature(self, timestamp: str, nonce: str, sealed: str) -> str:
        """Hex SHA-1 over the token and the three, sorted and joined."""
        return sha1(
            "".join(sorted((self._token, timestamp, nonce, sealed))).encode("utf-8", "surrogatepass")
        ).hexdigest()

    def encrypt(self, message: bytes) -> str:
        """16 random bytes, the length in four bytes, the message; AES; base64."""
        plain = os.urandom(_SALT) + len(message).to_bytes(_LENGTH, "big") + message
        return base64.b64encode(aes.encrypt(plain, self._key, self._key[: aes.BLOCK], _PADDING_BLOCK)).decode()

    def decrypt(self, sealed: str) -> bytes:
        """The message. Raises ValueError where it was not sealed with this key, or not for this bot."""
        raw = base64.b64decode(sealed, validate=True)
        plain = aes.decrypt(raw, self._key, self._key[: aes.BLOCK], _PADDING_BLOCK)
        length = int.from_bytes(plain[_SALT : _SALT + _LENGTH], "big")
        message = plain[_SALT + _LENGTH :]
        if len(plain) < _SALT + _LENGTH or len(message) != length:
            raise ValueError("the message is not of the length that it states, or has a receiver id")
        return message
