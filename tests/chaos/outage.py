"""Stops Postgres under load: how sends are answered meanwhile, what memory does, and how soon all is well again."""

import argparse
import asyncio
import http.client
import json
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from backlog import CONFIG, TOKEN
from processes import Postgres, Process, ask, free_port

# Seconds before, during and after the outage.
BEFORE, DURING, AFTER = 5, 12, 8


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/outage", description=__doc__)
    parser.add_argument("--clients", type=int, default=32, help="calls at once (32)")
    parser.add_argument("--binary", type=Path, required=True, help="the gateway")
    return parser.parse_args()


class Load:
    """Clients that send without a pause and note when each answer came, how long it took, and its status."""

    def __init__(self, port, clients):
        self.port = port
        self.answers = []
        self.stopped = threading.Event()
        self.threads = [threading.Thread(target=self.send, args=(number,)) for number in range(clients)]
        for thread in self.threads:
            thread.start()

    def send(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
        sent = 0
        while not self.stopped.is_set():
            sent += 1
            to = f"44770{number:03}{sent % 100_000:05}"
            message = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "Bay 2 is open"}}
            began = time.monotonic()
            connection.request("POST", "/messages", json.dumps(message), headers)
            answer = connection.getresponse()
            answer.read()
            self.answers.append((began, time.monotonic() - began, answer.status))

    def stop(self):
        self.stopped.set()
        for thread in self.threads:
            thread.join()

    def between(self, begin, end):
        return [(took, status) for began, took, status in self.answers if begin <= began < end]


def resident(process):
    """Mebibytes."""
    status = Path(f"/proc/{process.running.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


async def main(options, folder):
    provider, port = free_port(), free_port()
    sandbox = Process([options.binary, "sandbox", "--listen", f"127.0.0.1:{provider}"], folder / "sandbox.log")
    postgres = Postgres()
    gateway = None
    try:
        postgres.start()
        sandbox.start()
        await sandbox.answers(f"http://127.0.0.1:{provider}/sandbox/messages")
        config = CONFIG.format(port=port, folder=folder, store=postgres.url, token=TOKEN, provider=provider,
                               concurrency=64, pace="").replace('mode = "queued"', 'mode = "sync"')
        (folder / "outage.toml").write_text(config)
        gateway = Process([options.binary, "--config", folder / "outage.toml"], folder / "gateway.log")
        gateway.start()
        await gateway.answers(f"http://127.0.0.1:{port}/readyz")
        load = Load(port, options.clients)
        await asyncio.sleep(BEFORE)
        before = resident(gateway)
        await asyncio.to_thread(postgres.crash)
        away, most = time.monotonic(), before
        ready = ask(f"http://127.0.0.1:{port}/readyz")[0]
        while time.monotonic() < away + DURING:
            most = max(most, resident(gateway))
            await asyncio.sleep(0.2)
        await asyncio.to_thread(postgres.begin)
        back = time.monotonic()
        await asyncio.sleep(AFTER)
        load.stop()
    finally:
        for process in (gateway, sandbox):
            if process:
                process.stop()
        postgres.remove()
    meanwhile = load.between(away, back - 1)
    slowest = max(took for took, _ in meanwhile)
    well = [began + took - back for began, took, status in load.answers if status == 200 and began > away + 1]
    statuses = dict(Counter(status for _, status in meanwhile))
    print(f"before: {dict(Counter(status for _, status in load.between(0, away - 0.5)))}, {before:.0f} MiB")
    print(f"while Postgres was away for {back - away:.0f} s: {statuses}, slowest answer {slowest:.2f} s, "
          f"at most {most:.0f} MiB, /readyz {ready}")
    print(f"after its start: the first message went out after {max(min(well), 0):.2f} s, "
          f"{dict(Counter(status for _, status in load.between(back + 2, back + AFTER)))}")
    return set(statuses) == {503} and slowest < 1.5 and most < before + 32 and min(well) < 5


if __name__ == "__main__":
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="sabir-outage."))
    folder.chmod(0o755)
    passed = asyncio.run(main(options, folder))
    shutil.rmtree(folder)
    print("passed" if passed else "FAILED")
    sys.exit(0 if passed else 1)
