"""How long one gateway and two take over the same backlog, on one Postgres, with a provider that answers after 20 ms.

A first gateway takes the messages while its provider may be called once a second, and ends. The clock runs from the start
of those that send what waits until nothing waits any more. Then the provider's ledger is compared: each message once.
"""

import argparse
import asyncio
import http.client
import json
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from processes import Postgres, Process, ask, free_port

TOKEN = "backlog"

CONFIG = """
[server]
listen = "127.0.0.1:{port}"
data_dir = "{folder}"

[store]
url = "{store}"

[admin]
token = "{token}"

[log]
format = "json"
filter = "warn"

[[accounts]]
name = "backlog"
key = "{token}"
dialect = "cloud"
upstream = "provider"
mode = "queued"

[[upstreams]]
name = "provider"
dialect = "cloud"
base_url = "http://127.0.0.1:{provider}"
key = "provider"
sender = "442079460000"
concurrency = {concurrency}
{pace}
"""


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/backlog", description=__doc__.split("\n\n")[0])
    parser.add_argument("--messages", type=int, default=100_000, help="in the backlog (100000)")
    parser.add_argument("--concurrency", type=int, default=16, help="calls at once of each gateway (16)")
    parser.add_argument("--binary", type=Path, required=True, help="the gateway")
    return parser.parse_args()


class Gateways:
    """Gateways on one database in front of one provider."""

    def __init__(self, options, folder, store, provider):
        self.options, self.folder, self.store, self.provider = options, folder, store, provider
        self.running = []

    async def start(self, name, pace=""):
        port = free_port()
        config = self.folder / f"{name}.toml"
        config.write_text(
            CONFIG.format(
                port=port,
                folder=self.folder / name,
                store=self.store,
                token=TOKEN,
                provider=self.provider,
                concurrency=self.options.concurrency,
                pace=pace,
            )
        )
        gateway = Process([self.options.binary, "--config", config], self.folder / f"{name}.log")
        gateway.start()
        self.running.append(gateway)
        await gateway.answers(f"http://127.0.0.1:{port}/readyz")
        return port

    def stop(self):
        for gateway in self.running:
            gateway.stop()
        self.running.clear()


def feed(port, numbers):
    """Sends one message to each of the numbers, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "application/json"}
    for number in numbers:
        to = f"44770{number:08}"
        message = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": str(number)}}
        connection.request("POST", "/messages", json.dumps(message), headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"a message was answered with {answer.status}")


async def round_of(options, folder, provider, count):
    """Seconds that so many gateways take, and what is wrong with what the provider got."""
    postgres = Postgres()
    postgres.start()
    gateways = Gateways(options, folder, postgres.url, provider)
    try:
        port = await gateways.start(f"feeder-{count}", "rate = 1")
        feeders = 8
        loop = asyncio.get_running_loop()
        work = [range(start, options.messages, feeders) for start in range(feeders)]
        await asyncio.gather(*(loop.run_in_executor(None, feed, port, numbers) for numbers in work))
        gateways.stop()
        already = len(taken(provider))
        started = time.monotonic()
        ports = [await gateways.start(f"gateway-{count}-{at}") for at in range(count)]
        while await asyncio.to_thread(unfinished, ports[0]):
            await asyncio.sleep(0.2)
        took = time.monotonic() - started
        gateways.stop()
        return took, options.messages - already, faults(options, taken(provider))
    finally:
        gateways.stop()
        postgres.remove()
        ask(f"http://127.0.0.1:{provider}/sandbox/messages", method="DELETE")


def taken(provider):
    status, received = ask(f"http://127.0.0.1:{provider}/sandbox/messages", timeout=300)
    assert status == 200, status
    return Counter(entry["body"]["text"]["body"] for entry in received)


def unfinished(port):
    states = ("accepted", "waiting", "sending")
    url = f"http://127.0.0.1:{port}/admin/v1/transactions?limit=1&state="
    return any(ask(url + state, TOKEN)[1]["transactions"] for state in states)


def faults(options, got):
    doubled = sum(count > 1 for count in got.values())
    missing = sum(str(number) not in got for number in range(options.messages))
    return {"doubled": doubled, "missing": missing}


async def main(options, folder):
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(16))
    provider = free_port()
    sandbox = [options.binary, "sandbox", "--listen", f"127.0.0.1:{provider}", "--keep", 2 * options.messages]
    sandbox = Process([*sandbox, "--delay", "20ms"], folder / "sandbox.log")
    sandbox.start()
    await sandbox.answers(f"http://127.0.0.1:{provider}/sandbox/messages")
    results = {}
    try:
        for count in (1, 2):
            took, sent, wrong = await round_of(options, folder, provider, count)
            results[count] = (took, wrong)
            print(f"{count} gateway{'s' * (count - 1)}: {sent} messages in {took:.1f} s, {sent / took:.0f}/s; "
                  f"{wrong['doubled']} doubled, {wrong['missing']} missing", flush=True)
    finally:
        sandbox.stop()
    print(f"two are {results[1][0] / results[2][0]:.2f} times as fast as one")
    return not any(any(wrong.values()) for _, wrong in results.values()) and results[2][0] < 0.7 * results[1][0]


if __name__ == "__main__":
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="sabir-backlog."))
    folder.chmod(0o755)
    passed = asyncio.run(main(options, folder))
    if passed:
        shutil.rmtree(folder)
    else:
        print(f"FAILED; logs and configurations are in {folder}")
    sys.exit(0 if passed else 1)
