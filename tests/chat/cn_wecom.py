"""WeCom's side of the protocol, with wechatpy sealing, signing and opening."""

from __future__ import annotations

import base64
import json
import time
import warnings
from typing import Any

import httpx

with warnings.catch_warnings():
    # One is written for Python 2 too, the other for an older websockets; both say so at the import.
    warnings.simplefilter("ignore")
    from aibot import WSClient, WSClientOptions
    from wechatpy.crypto import PrpCrypto, WeChatCrypto
    from wechatpy.utils import WeChatSigner

__all__ = ["WSClient", "WSClientOptions"]

KEY = base64.b64encode(bytes(range(32))).decode().rstrip("=")
TOKEN = "wecom-token-2718"
CODE = "response-code-2818"
SECRETS = (TOKEN, KEY, CODE)
_PEER = WeChatCrypto(TOKEN, KEY, "")


def signature(sealed: str, stamp: str, nonce: str, token: str = TOKEN) -> str:
    signer = WeChatSigner()
    signer.add_data(token, stamp, nonce, sealed)
    return str(signer.signature)


def query(sealed: str, stamp: int | None = None, token: str = TOKEN) -> dict[str, str]:
    moment = str(int(time.time()) if stamp is None else stamp)
    return {"msg_signature": signature(sealed, moment, "n1", token), "timestamp": moment, "nonce": "n1"}


def seal(plain: str) -> str:
    return str(PrpCrypto(_PEER.key).encrypt(plain, "").decode())


def callback(domain: str, text: str = "谁投喂丹顶鹤？", msgid: str = "m1", **changes: Any) -> dict[str, Any]:
    return {
        "msgid": msgid,
        "aibotid": "AIB",
        "chattype": "single",
        "from": {"userid": "zhang"},
        "response_url": f"{domain}/cgi-bin/aibot/response?response_code={CODE}",
        "msgtype": "text",
        "text": {"content": text},
    } | changes


def send(url: str, content: dict[str, Any], **how: Any) -> httpx.Response:
    sealed = seal(json.dumps(content, ensure_ascii=False))
    return httpx.post(f"{url}/chat/wecom/events", json={"encrypt": sealed}, params=query(sealed, **how))


def opened(response: httpx.Response) -> dict[str, Any]:
    """The message in an answer, which the peer must be able to verify and decrypt."""
    body = response.json()
    plain = _PEER.decrypt_message(
        {"Encrypt": body["encrypt"]}, body["msgsignature"], str(body["timestamp"]), body["nonce"]
    )
    found: dict[str, Any] = json.loads(plain)
    return found


def stream(response: httpx.Response) -> dict[str, Any]:
    message = opened(response)
    assert message["msgtype"] == "stream"
    found: dict[str, Any] = message["stream"]
    return found


def poll(url: str, identity: str, msgid: str = "poll") -> dict[str, Any]:
    """What WeCom is told that asks for a stream."""
    asking = {"msgid": msgid, "msgtype": "stream", "stream": {"id": identity}, "from": {"userid": "zhang"}}
    return stream(send(url, asking))


def followed(url: str, identity: str, seconds: float = 20) -> dict[str, Any]:
    """The stream, asked for until it is finished."""
    until = time.monotonic() + seconds
    while not (told := poll(url, identity))["finish"] and time.monotonic() < until:
        time.sleep(0.02)
    assert told["finish"]
    return told
