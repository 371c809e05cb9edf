"""What is started, killed and started again: gateway, sandbox, Postgres."""

import asyncio
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def ask(url, token=None, method="GET", body=None, timeout=60, headers=()):
    """One call of an API that speaks JSON: status and body."""
    request = urllib.request.Request(url, method=method, data=None if body is None else json.dumps(body).encode())
    for name, value in {"content-type": "application/json", **dict(headers)}.items():
        request.add_header(name, value)
    if token:
        request.add_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


class Process:
    """A program whose output goes to a file."""

    def __init__(self, arguments, log, environment=None):
        self.arguments = [str(argument) for argument in arguments]
        self.log = log
        self.environment = {**os.environ, **(environment or {})}
        self.running = None

    def start(self):
        with open(self.log, "ab") as log:
            self.running = subprocess.Popen(self.arguments, stdout=log, stderr=log, env=self.environment)

    def is_running(self):
        return self.running is not None and self.running.poll() is None

    def kill(self):
        self.running.send_signal(signal.SIGKILL)
        self.running.wait()

    def stop(self):
        if self.is_running():
            self.running.terminate()
            try:
                self.running.wait(timeout=40)
            except subprocess.TimeoutExpired:
                self.kill()

    async def answers(self, url, within=30):
        """Waits until somebody answers there."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            try:
                if (await asyncio.to_thread(ask, url, timeout=2))[0] == 200:
                    return
            except OSError:
                pass
            await asyncio.sleep(0.02)
        raise SystemExit(f"{self.arguments[0]} does not answer at {url}; see {self.log}")


class Postgres:
    """A throw-away server with its default, durable settings. It does not run as root, so root lends it an account."""

    def __init__(self):
        found = shutil.which("initdb") or max(map(str, Path("/usr/lib/postgresql").glob("*/bin/initdb")), default=None)
        if found is None:
            raise SystemExit("no initdb in PATH or /usr/lib/postgresql: install the Postgres server")
        self.programs = Path(found).resolve().parent
        self.folder = Path(tempfile.mkdtemp(prefix="sabir-chaos."))
        self.url = f"postgres://sabir@localhost/postgres?host={self.folder}"
        self.account = None
        if os.getuid() == 0:
            names = {entry.pw_name for entry in pwd.getpwall()}
            self.account = "postgres" if "postgres" in names else "nobody"
            shutil.chown(self.folder, self.account)

    def run(self, program, *arguments):
        as_account = ["runuser", "-u", self.account, "--"] if self.account else []
        command = [*as_account, self.programs / program, "--pgdata", self.folder / "data", *arguments]
        with open(self.folder / "out", "ab") as out:
            subprocess.run(list(map(str, command)), check=True, cwd=self.folder, stdout=out, stderr=out)

    def start(self):
        self.run("initdb", "--username", "sabir", "--auth", "trust", "--encoding", "UTF8", "--locale", "C")
        self.begin()

    def begin(self):
        options = f"-c listen_addresses='' -k {self.folder} -c max_connections=100"
        self.run("pg_ctl", "start", "--wait", "--silent", "--log", self.folder / "log", "--options", options)

    def crash(self):
        """Ends it as a power cut would."""
        self.run("pg_ctl", "stop", "--mode", "immediate", "--silent")

    def remove(self):
        try:
            self.crash()
        except subprocess.CalledProcessError:
            pass
        shutil.rmtree(self.folder, ignore_errors=True)
