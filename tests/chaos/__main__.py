"""Kills the gateway while it works and breaks its provider and its database, then counts.

Clients send messages with idempotency keys to a real gateway over a real store; the provider is the sandbox behind a
proxy that breaks calls. The gateway is killed with SIGKILL at random moments and started again, Postgres is crashed and
recovers, the provider is down for a while. At the end all faults stop and three ledgers are compared: what clients were
told, what the gateway recorded, what the provider took. No message may be lost or doubled or overtake another; each one
whose end nobody knows has to be on hold, where an operator (here: this script) settles it by the provider's ledger.
"""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from books import Books, Refused, compare
from clients import Clients
from processes import Postgres, Process, free_port
from proxy import Proxy

TOKEN = "chaos"

# The progress bar's width.
BAR = 40

CONFIG = """
[server]
listen = "127.0.0.1:{port}"
data_dir = "{folder}/data"
shutdown_grace = "5s"
trust_local = true

[store]
url = "{store}"

[admin]
token = "{token}"

[net]
connect_timeout = "1s"
first_byte_timeout = "1500ms"
total_timeout = "2s"

[delivery]
lease = "8s"
deadline = "4s"

[log]
format = "json"

[[accounts]]
name = "chaos"
key = "{token}"
dialect = "cloud"
upstream = "provider"
unknown = "hold"

[[upstreams]]
name = "provider"
dialect = "cloud"
base_url = "http://127.0.0.1:{proxy}"
key = "provider"
sender = "442079460000"
concurrency = 32
"""


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__.split("\n\n")[0])
    parser.add_argument("--store", choices=["postgres", "sqlite"], default="postgres")
    parser.add_argument("--messages", type=int, default=15000, help="how many are sent (15000)")
    parser.add_argument("--pairs", type=int, default=200, help="to how many recipients (200)")
    parser.add_argument("--clients", type=int, default=24, help="calls at once (24)")
    parser.add_argument("--calm", type=float, default=6, help="mean seconds between two kills of the gateway (6)")
    parser.add_argument("--seed", type=int, default=None, help="repeats a run's dice, as far as time allows")
    parser.add_argument("--limit", type=float, default=900, help="seconds after which the run has failed (900)")
    parser.add_argument("--binary", type=Path, required=True, help="the gateway")
    return parser.parse_args()


class Run:
    def __init__(self, options, folder):
        self.options = options
        self.seed = options.seed if options.seed is not None else random.randrange(2**32)
        self.chance = random.Random(self.seed)
        self.postgres = Postgres() if options.store == "postgres" else None
        ports = {name: free_port() for name in ("gateway", "proxy", "sandbox")}
        self.base = f"http://127.0.0.1:{ports['gateway']}"
        sandbox = f"http://127.0.0.1:{ports['sandbox']}"
        self.proxy = Proxy(ports["proxy"], ports["sandbox"], self.seed, silence=3)
        store = self.postgres.url if self.postgres else f"sqlite://{folder}/sabir.db"
        (folder / "chaos.toml").write_text(
            CONFIG.format(port=ports["gateway"], proxy=ports["proxy"], folder=folder, store=store, token=TOKEN)
        )
        keep = ["sandbox", "--listen", f"127.0.0.1:{ports['sandbox']}", "--keep", 4 * options.messages]
        keep += ["--webhook", f"{self.base}/webhooks/provider"]
        self.sandbox = Process([options.binary, *keep], folder / "sandbox.log")
        self.gateway = Process([options.binary, "--config", folder / "chaos.toml"], folder / "gateway.log")
        self.clients = Clients(self.base, TOKEN, options.messages, options.pairs, options.clients)
        self.books = Books(self.base, sandbox, TOKEN)
        self.kills = self.crashes = 0

    async def start(self):
        if self.postgres:
            self.postgres.start()
        self.sandbox.start()
        await self.sandbox.answers(f"{self.books.sandbox}/sandbox/messages")
        await self.proxy.open()
        self.gateway.start()
        await self.gateway.answers(f"{self.base}/readyz")

    async def kill_gateways(self):
        while True:
            await asyncio.sleep(self.chance.expovariate(1 / self.options.calm) + 0.5)
            if self.gateway.is_running():
                self.gateway.kill()
                self.kills += 1

    async def supervise(self):
        """Starts the gateway again whenever it has ended, as a container's restart policy does."""
        while True:
            if not self.gateway.is_running():
                self.gateway.start()
            await asyncio.sleep(0.2)

    async def crash_stores(self):
        while self.postgres:
            await asyncio.sleep(self.chance.uniform(10, 20))
            await asyncio.to_thread(self.postgres.crash)
            self.crashes += 1
            await asyncio.sleep(self.chance.uniform(0.2, 2))
            await asyncio.to_thread(self.postgres.begin)

    async def go_down(self):
        while True:
            await asyncio.sleep(self.chance.uniform(8, 16))
            await self.proxy.close()
            await asyncio.sleep(self.chance.uniform(0.5, 2.5))
            await self.proxy.open()

    async def storm(self):
        """Until every client has its answers."""
        troubles = [asyncio.create_task(trouble()) for trouble in (self.kill_gateways, self.crash_stores, self.go_down)]
        troubles.append(asyncio.create_task(self.supervise()))
        clients = asyncio.create_task(self.clients.run())
        while not clients.done():
            broken = next((task for task in troubles if task.done() and task.exception()), None)
            if broken:
                clients.cancel()
                broken.result()
            self.show_progress()
            await asyncio.wait([clients], timeout=2)
        await clients
        self.show_progress()
        if sys.stderr.isatty():
            print(file=sys.stderr)
        for task in troubles:
            task.cancel()
        await asyncio.gather(*troubles, return_exceptions=True)

    def show_progress(self):
        done = sum(message.id is not None for message in self.clients.messages)
        line = f"{done} of {self.options.messages} accepted, {self.kills} kills, {self.crashes} database crashes"
        if sys.stderr.isatty():
            full = BAR * done // self.options.messages
            # Each is drawn over the one before.
            line = f"\x1b[2K{'█' * full}{'░' * (BAR - full)} {line}\r"
        print(line, file=sys.stderr, end="" if sys.stderr.isatty() else "\n", flush=True)

    async def calm_down(self):
        """Faults end; what is queued goes out and abandoned attempts are noticed."""
        self.proxy.behave()
        if self.proxy.server is None or not self.proxy.server.is_serving():
            await self.proxy.open()
        if self.postgres:
            await asyncio.to_thread(self.ensure_postgres)
        if not self.gateway.is_running():
            self.gateway.start()
        await self.gateway.answers(f"{self.base}/readyz")
        while await asyncio.to_thread(self.books.unfinished):
            await asyncio.sleep(0.2)

    def ensure_postgres(self):
        try:
            self.postgres.begin()
        except Exception:  # It runs already.
            pass

    def texts_on_hold(self):
        """Of each transaction on hold the text, by the gateway's own record."""
        held = [entry["id"] for entry in self.books.transactions("unknown")]
        return {id: self.books.admin(f"transactions/{id}")["client_request"]["text"]["body"] for id in held}

    def settle(self, verdict):
        """What an operator does with messages on hold who can ask the provider."""
        for transaction, taken in verdict.unknown.items():
            action = {"action": "settle", "state": "sent"} if taken else {"action": "resend"}
            try:
                self.books.admin(f"transactions/{transaction}/settle", "POST", action)
            except Refused:
                # A status that came since the comparison has settled it; of a message that it does not have, the provider
                # tells nothing.
                if not taken or self.books.admin(f"transactions/{transaction}")["state"] == "unknown":
                    raise

    def stop(self):
        self.gateway.stop()
        self.sandbox.stop()
        if self.postgres:
            self.postgres.remove()


def show(title, verdict, late="out of order"):
    print(f"{title}:")
    for name in ("sent", "accepted", "delivered"):
        print(f"  {name:<22}{getattr(verdict, name):>8}")
    for label, name in (("duplicated", "duplicated"), ("lost", "lost"), (late, "out_of_order")):
        print(f"  {label:<22}{len(getattr(verdict, name)):>8}  {getattr(verdict, name)[:5] or ''}")
    print(f"  {'unknown, settled':<22}{verdict.settled:>8}  by what the provider told later")
    taken = sum(verdict.unknown.values())
    print(f"  {'unknown, on hold':<22}{len(verdict.unknown):>8}  {taken} of them are with the provider")


async def main(options, folder):
    run = Run(options, folder)
    # Each client waits in a thread of its own.
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(options.clients + 8))
    started = time.monotonic()
    try:
        await run.start()
        async with asyncio.timeout(options.limit):
            await run.storm()
            storm = time.monotonic() - started
            await run.calm_down()
            first = await asyncio.to_thread(lambda: compare(run.clients.messages, run.books, run.texts_on_hold()))
            await asyncio.to_thread(run.settle, first)
            await run.calm_down()
            last = await asyncio.to_thread(lambda: compare(run.clients.messages, run.books, run.texts_on_hold()))
    finally:
        run.stop()
    print(f"store {options.store}, seed {run.seed}, storm of {storm:.0f} s: {run.kills} kills of the gateway, "
          f"{run.crashes} crashes of the database")
    print("calls at the provider: " + ", ".join(f"{count} {fault}" for fault, count in run.proxy.counted.most_common()))
    print("answers to clients:    " + ", ".join(f"{count} × {status}" for status, count in run.clients.answers.most_common()))
    show("when the storm is over", first)
    # What was held and is sent again comes after what has passed it meanwhile: the order is judged by the list above.
    show("when the operator has settled what was on hold", last, late="later, as sent again")
    refused = [message.refused for message in run.clients.messages if message.refused]
    if refused:
        print(f"refused: {len(refused)}, as {refused[0]}")
    ended = not last.unknown and last.delivered == last.sent
    return first.passed() and ended and not last.duplicated and not last.lost


if __name__ == "__main__":
    options = arguments()
    folder = Path(tempfile.mkdtemp(prefix="sabir-chaos-run."))
    passed = asyncio.run(main(options, folder))
    if passed:
        shutil.rmtree(folder)
        print("passed: nothing lost, nothing doubled, nothing out of order, every unknown settled")
    else:
        print(f"FAILED; logs and configuration are in {folder}")
    sys.exit(0 if passed else 1)
