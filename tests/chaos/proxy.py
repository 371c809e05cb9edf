"""A provider that misbehaves: an HTTP proxy in front of the sandbox which breaks some calls in one of the ways below."""

import asyncio
import contextlib
import random
from collections import Counter

# What happens to a call, and how often among a hundred. What is left over passes.
FAULTS = {
    "reset before it is taken": 4,
    "reset after it was taken": 4,
    "an untyped 500 after it was taken": 4,
    "silence after it was taken": 1,
    "told to slow down": 1,
    "slow": 6,
}

SLOW_DOWN = b'{"error":{"message":"(#130429) Rate limit hit","type":"OAuthException","code":130429}}'
BROKEN = b"<html><body>Bad Gateway</body></html>"


class Proxy:
    """Listens while it is `open`; a closed one refuses connections, as a provider that is down does."""

    def __init__(self, port, upstream_port, seed, silence):
        self.port = port
        self.upstream_port = upstream_port
        self.chance = random.Random(seed)
        self.silence = silence
        self.faults = FAULTS
        self.counted = Counter()
        self.server = None

    async def open(self):
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", self.port)

    async def close(self):
        self.server.close()
        self.counted["down for a while"] += 1

    def behave(self):
        """From now on every call passes."""
        self.faults = {}

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self.call(reader, writer):
                pass
        with contextlib.suppress(ConnectionError):
            writer.close()

    async def call(self, reader, writer):
        """One call; whether the connection is good for another."""
        request = await read_message(reader)
        if request is None:
            return False
        fault = self.draw()
        self.counted[fault or "passed"] += 1
        if fault == "reset before it is taken":
            return reset(writer)
        if fault == "told to slow down":
            return await answer(writer, b"429 Too Many Requests", SLOW_DOWN)
        if fault == "slow":
            await asyncio.sleep(self.chance.uniform(0.1, 0.6))
        answered = await self.forward(request)
        if fault == "reset after it was taken":
            return reset(writer)
        if fault == "an untyped 500 after it was taken":
            return await answer(writer, b"500 Internal Server Error", BROKEN)
        if fault == "silence after it was taken":
            await asyncio.sleep(self.silence)
            return reset(writer)
        writer.write(answered)
        await writer.drain()
        return True

    def draw(self):
        dice = self.chance.uniform(0, 100)
        for fault, share in self.faults.items():
            dice -= share
            if dice < 0:
                return fault
        return None

    async def forward(self, request):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream_port)
        try:
            writer.write(request)
            return await read_message(reader)
        finally:
            writer.close()


async def read_message(reader):
    """A request or an answer as it came, head and body; none where the connection ended before one began."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = int(value)
    return head + await reader.readexactly(length)


async def answer(writer, status, body):
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
    writer.write(head + body)
    await writer.drain()
    return True


def reset(writer):
    """Ends the connection without an orderly close."""
    writer.transport.abort()
    return False
