"""AES-256 in CBC mode with PKCS#7 padding, as Feishu and WeCom seal their messages."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC

BLOCK = 16
"""Bytes that AES works on at a time, and the length of an initialisation vector."""


def encrypt(plain: bytes, key: bytes, vector: bytes, block: int = BLOCK) -> bytes:
    """``key``: 32 bytes, ``vector``: 16. The padding fills up a multiple of ``block`` bytes."""
    fill = block - len(plain) % block
    cipher = Cipher(AES256(key), CBC(vector)).encryptor()
    return cipher.update(plain + bytes([fill]) * fill) + cipher.finalize()


def decrypt(sealed: bytes, key: bytes, vector: bytes, block: int = BLOCK) -> bytes:
    """Undoes ``encrypt``. Raises ValueError where the length or the padding cannot be right."""
    if not sealed or len(sealed) % BLOCK:
        raise ValueError("not a whole number of blocks")
    cipher = Cipher(AES256(key), CBC(vector)).decryptor()
    padded = cipher.update(sealed) + cipher.finalize()
    fill = padded[-1]
    if not 1 <= fill <= min(block, len(padded)) or padded[-fill:] != bytes([fill]) * fill:
        raise ValueError("the padding is wrong")
    return padded[:-fill]
