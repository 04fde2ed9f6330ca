"""How Feishu and Lark sign and encrypt what they send.

Source: "Event subscription overview" and "Encrypt Key encryption configuration" of the Feishu Open Platform.
"""

from __future__ import annotations

import base64
from hashlib import sha256

from qa.chat import aes


def signature(timestamp: str, nonce: str, encrypt_key: str, body: bytes) -> str:
    """What the header ``X-Lark-Signature`` has to be: hex SHA-256 over time, nonce, key and the raw body."""
    return sha256((timestamp + nonce + encrypt_key).encode() + body).hexdigest()


def decrypt(sealed: str, encrypt_key: str) -> bytes:
    """The content of the field ``encrypt``. Raises ValueError where it was not sealed with this key."""
    raw = base64.b64decode(sealed, validate=True)
    return aes.decrypt(raw[aes.BLOCK :], _key(encrypt_key), raw[: aes.BLOCK])


def _key(encrypt_key: str) -> bytes:
    return sha256(encrypt_key.encode()).digest()
