"""DingTalk's side of Stream mode: a gateway that gives out connections, and the connections."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from cn_vendor import Call, Reply, Vendor, running
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

CLIENT_ID, SECRET, SESSION = "ding-client", "ding-secret-1618", "session-0339"
SECRETS = (SECRET, SESSION, "ticket-")
TOPIC = "/v1.0/im/bot/messages/get"


class DingTalk(Vendor):
    """``connections``: those that are open. ``acks``: what came over them, in order."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.endpoint = ""
        self.tickets = 0
        self.connections: list[ServerConnection] = []
        self.acks: list[dict[str, Any]] = []

    def _answer(self, call: Call) -> Reply:
        if not call.path.endswith("/gateway/connections/open"):
            return Reply(200, {"errcode": 0, "errmsg": "ok"})
        if (call.body["clientId"], call.body["clientSecret"]) != (CLIENT_ID, SECRET):
            return Reply(401, {"code": "authFailed", "message": f"wrong secret {call.body['clientSecret']}"})
        self.tickets += 1
        return Reply(200, {"endpoint": self.endpoint, "ticket": f"ticket-{self.tickets}"})

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        good = request.path == f"/connect?ticket=ticket-{self.tickets}"
        return None if good else connection.respond(401, "no such ticket")

    def keep(self, connection: ServerConnection) -> None:
        self.connections.append(connection)
        try:
            for frame in connection:
                self.acks.append(json.loads(frame))
        except ConnectionClosed:
            pass
        finally:
            self.connections.remove(connection)

    def connected(self, count: int = 1, seconds: float = 20) -> ServerConnection:
        """The connection, once that many tickets were used up and it is open."""
        until = time.monotonic() + seconds
        while (self.tickets < count or not self.connections) and time.monotonic() < until:
            time.sleep(0.02)
        assert self.tickets >= count
        return self.connections[-1]

    def acknowledged(self, count: int, seconds: float = 20) -> list[dict[str, Any]]:
        until = time.monotonic() + seconds
        while len(self.acks) < count and time.monotonic() < until:
            time.sleep(0.02)
        assert len(self.acks) >= count
        return self.acks

    def message(self, words: str = "谁投喂丹顶鹤？", msg: str = "msg1", **changes: Any) -> str:
        """A frame with a message to the robot."""
        data = {
            "msgId": msg,
            "conversationId": "cid1",
            "conversationType": "1",
            "senderId": "sender",
            "senderStaffId": "s1",
            "chatbotUserId": "robot",
            "sessionWebhook": f"{self.url}/robot/sendBySession?session={SESSION}",
            "sessionWebhookExpiredTime": int((time.time() + 5400) * 1000),
            "msgtype": "text",
            "text": {"content": words},
        } | changes
        return frame("CALLBACK", TOPIC, json.dumps(data), f"frame-{msg}")


def frame(kind: str, topic: str, data: str, identity: str) -> str:
    headers = {"messageId": identity, "topic": topic, "contentType": "application/json", "time": "1700000000000"}
    return json.dumps({"specVersion": "1.0", "type": kind, "headers": headers, "data": data})


@contextmanager
def gateway() -> Iterator[DingTalk]:
    vendor = DingTalk()
    with running(vendor), serve(vendor.keep, "127.0.0.1", 0, process_request=vendor.admit) as server:
        vendor.endpoint = f"ws://127.0.0.1:{server.socket.getsockname()[1]}/connect"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield vendor
        server.shutdown()
        for connection in list(vendor.connections):
            connection.close()
        thread.join()
