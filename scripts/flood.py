"""Calls a gateway ten times as often as it allows and watches its memory: flood.py ADDRESS KEY ALLOWED SECONDS PID, where
ALLOWED is in messages a second. See scripts/soak."""

import asyncio
import collections
import json
import os
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

BODY = json.dumps({"messaging_product": "whatsapp", "to": "447700900123", "type": "text", "text": {"body": "Hi"}})
CONNECTIONS = 64
OVERLOAD = 10
GROWTH = 32 * 1024 * 1024

# What is allowed has to go through, however much else is asked for.
LEAST_SHARE = 0.95


class Flood:
    def __init__(self, address, key, per_second):
        self.place = urlsplit(address)
        self.pause = CONNECTIONS / per_second
        head = f"POST /messages HTTP/1.1\r\nHost: gateway\r\nD360-API-KEY: {key}\r\n"
        self.request = f"{head}Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n{BODY}".encode()
        self.answers, self.slowest = collections.Counter(), 0.0
        self.accepted = []

    async def client(self, until):
        """One connection, each call at its time, whatever became of the one before."""
        reader, writer = await asyncio.open_connection(self.place.hostname, self.place.port)
        due = time.monotonic()
        while time.monotonic() < until:
            await asyncio.sleep(max(0, due - time.monotonic()))
            due += self.pause
            started = time.monotonic()
            writer.write(self.request)
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
            await reader.readexactly(int(lengths[0].split(b":")[1]))
            took, status = time.monotonic() - started, int(head.split()[1])
            self.slowest = max(self.slowest, took)
            self.answers[status] += 1
            if status == 200:
                self.accepted.append(took)
        writer.close()


async def stood_still(until):
    """The seconds in which nothing went on, this program included: a machine that slept, a job that was paused."""
    still, last = 0.0, time.monotonic()
    while last < until:
        await asyncio.sleep(0.1)
        now = time.monotonic()
        still, last = still + (now - last if now - last > 1 else 0), now
    return still


def memory(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def watch(flood, pid, seconds):
    """The memory after a tenth of the time, and the most after that."""
    started, first, most = time.monotonic(), None, 0
    while (elapsed := time.monotonic() - started) < seconds:
        await asyncio.sleep(min(10, seconds / 10))
        held, files = memory(pid), len(os.listdir(f"/proc/{pid}/fd"))
        first, most = first or held, max(most, held)
        print(f"{elapsed:6.0f}s  {dict(flood.answers)}  {held >> 20} MiB  {files} files  slowest {flood.slowest:.3f}s")
    return most - first


async def main(address, key, allowed, seconds, pid):
    allowed, seconds = float(allowed), float(seconds)
    flood, until = Flood(address, key, OVERLOAD * allowed), time.monotonic() + seconds
    clients = (flood.client(until) for _ in range(CONNECTIONS))
    *_, still, grown = await asyncio.gather(*clients, stood_still(until), watch(flood, pid, seconds))
    strange = set(flood.answers) - {200, 429}
    print(f"grown by {grown >> 20} MiB; slowest answer {flood.slowest:.3f}s; other answers: {sorted(strange) or 'none'}")
    took = sorted(flood.accepted)
    share, median, late = len(took) / (allowed * (seconds - still)), took[len(took) // 2], took[len(took) * 99 // 100]
    print(f"accepted {len(took)}, {share:.1%} of what is allowed in {seconds - still:.0f}s;", end=" ")
    print(f"half within {median * 1000:.1f} ms, 99 % within {late * 1000:.1f} ms")
    return 1 if strange or grown > GROWTH or share < LEAST_SHARE else 0


sys.exit(asyncio.run(main(*sys.argv[1:])))
