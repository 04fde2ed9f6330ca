"""Feishu's side of the protocol: what it sends, sealed with another implementation of AES, and its API."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from typing import Any

import httpx
from cn_vendor import Call, Reply, Vendor
from Crypto.Cipher import AES
from Crypto.Util.Padding import pad

APP_ID, APP_SECRET = "cli_a1", "app-secret-3141"
ENCRYPT_KEY, TOKEN = "encrypt-key-5926", "verification-5358"
SECRETS = (APP_SECRET, ENCRYPT_KEY, TOKEN)


def seal(plain: bytes, key: str = ENCRYPT_KEY) -> str:
    vector = os.urandom(16)
    cipher = AES.new(hashlib.sha256(key.encode()).digest(), AES.MODE_CBC, vector)
    return base64.b64encode(vector + cipher.encrypt(pad(plain, 16))).decode()


def body(content: dict[str, Any], key: str = ENCRYPT_KEY) -> bytes:
    return json.dumps({"encrypt": seal(json.dumps(content, ensure_ascii=False).encode(), key)}).encode()


def headers(raw: bytes, stamp: int | None = None, key: str = ENCRYPT_KEY) -> dict[str, str]:
    moment, nonce = str(int(time.time()) if stamp is None else stamp), "nonce1"
    signed = hashlib.sha256((moment + nonce + key).encode() + raw).hexdigest()
    return {"X-Lark-Request-Timestamp": moment, "X-Lark-Request-Nonce": nonce, "X-Lark-Signature": signed}


def challenge(token: str = TOKEN) -> dict[str, Any]:
    return {"challenge": "ajls384", "token": token, "type": "url_verification"}


def event(text: str = "谁投喂丹顶鹤？", message: str = "om_1", token: str = TOKEN, **changes: Any) -> dict[str, Any]:
    """A direct message; ``changes`` are fields of it."""
    sent = {
        "message_id": message,
        "chat_id": "oc_1",
        "chat_type": "p2p",
        "message_type": "text",
        "content": json.dumps({"text": text}),
    }
    return {
        "schema": "2.0",
        "header": {"event_id": f"e-{message}", "event_type": "im.message.receive_v1", "token": token, "app_id": APP_ID},
        "event": {
            "sender": {"sender_id": {"open_id": "ou_1"}, "sender_type": changes.pop("sender_type", "user")},
            "message": sent | changes,
        },
    }


def send(url: str, content: dict[str, Any], **how: Any) -> httpx.Response:
    raw = body(content)
    return httpx.post(f"{url}/chat/feishu/events", content=raw, headers=headers(raw, **how))


class Feishu(Vendor):
    """Gives tokens ``t1``, ``t2``, … and takes replies that carry the last of them, each ``uuid`` once."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.tokens = 0
        self.shown: dict[str, str] = {}
        """What people see: content by uuid."""

    def _answer(self, call: Call) -> Reply:
        if call.path.endswith("/tenant_access_token/internal"):
            if call.body != {"app_id": APP_ID, "app_secret": APP_SECRET}:
                return Reply(400, {"code": 10014, "msg": f"app secret invalid {call.body}"})
            self.tokens += 1
            return Reply(200, {"code": 0, "msg": "ok", "tenant_access_token": f"t{self.tokens}", "expire": 7200})
        if call.headers.get("authorization") != f"Bearer t{self.tokens}":
            return Reply(400, {"code": 99991663, "msg": "Invalid access token"})
        self.shown.setdefault(call.body["uuid"], call.body["content"])
        return Reply(200, {"code": 0, "msg": "success", "data": {"message_id": "om_reply"}})
