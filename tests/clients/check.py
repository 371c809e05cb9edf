"""What the tests of Python clients share: gateway, key and provider, a line for each check, and what the provider got."""

import json
import os
import traceback
import urllib.request
from pathlib import Path

ADDRESS = os.environ["SABIR_ADDRESS"]
KEY = os.environ["SABIR_KEY"]
# The dialect of the provider behind the gateway.
PROVIDER = os.environ["SABIR_PROVIDER"]

PERSON = "447700900123"
# The sandbox refuses messages to these: not on WhatsApp, the window of 24 hours is closed.
STRANGER = "99900131026"
SILENT = "99900131047"
LINK = "https://files.example.net/bay/2.png"
PICTURE = Path(__file__).with_name("picture.png")
# Larger than the gateway of these tests takes.
TOO_LARGE = 3_000_000
INVOICE = Path(__file__).with_name("invoice.pdf")


def check(what):
    """Runs the function below it at once, and prints how it went. What it returns takes the function's place."""

    def run(test):
        try:
            result = test()
        except Exception as error:  # the library's own errors are as good as ours
            line = traceback.extract_tb(error.__traceback__)[-1].line
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"FAIL  {what}: {reason} at `{line}`", flush=True)
            return None
        print(f"ok    {what}", flush=True)
        return result

    return run


def fails(kind, call):
    """The error of this kind that a call ends with."""
    try:
        answer = call()
    except kind as error:
        return error
    raise AssertionError(f"no {kind.__name__} but {answer}")


def latest():
    """What the provider got last, as it understood it."""
    return _received()[0]["request"]


def content(message_id):
    """What the provider got under an id that a client was told."""
    return next(one["request"]["send"]["content"] for one in _received() if one["id"] == message_id)


def _received():
    with urllib.request.urlopen(f"{ADDRESS}/sandbox/messages") as answer:
        return json.load(answer)
