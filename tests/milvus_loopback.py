"""Runs a command in a network namespace that has nothing but loopback, with one of its ports reachable from outside.

    unshare --net python milvus_loopback.py LISTENING_FD PORT LOG COMMAND...

Milvus 2.3.5 listens on every interface whatever its settings say; in here there is none but loopback. LISTENING_FD is a
socket that the caller bound outside: what connects to it is passed on to PORT inside. Ends with the command, and the
command with it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys

_SET_FLAGS, _UP_AND_RUNNING = 0x8914, 0x41


def raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1 << 18):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    finally:
        writer.close()


async def forward(listening: socket.socket, port: int) -> None:
    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            back, on = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(copy(reader, on), copy(back, writer))

    async with await asyncio.start_server(accepted, sock=listening) as server:
        await server.serve_forever()


async def watch(process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        await asyncio.sleep(0.1)


async def main(descriptor: int, port: int, log: str, command: list[str]) -> None:
    raise_loopback()
    with open(log, "ab") as file, socket.socket(fileno=descriptor) as listening:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT)
        ended = asyncio.ensure_future(watch(process))
        forwarding = asyncio.ensure_future(forward(listening, port))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, process.terminate)
        try:
            await asyncio.wait([ended, forwarding], return_when=asyncio.FIRST_COMPLETED)
        finally:
            process.kill()
            os._exit(0)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:]))
