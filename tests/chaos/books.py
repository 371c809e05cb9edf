"""Compares three ledgers: what clients were told, what the gateway recorded, what the provider took."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from processes import ask

UNFINISHED = ("accepted", "waiting", "sending")


class Refused(Exception):
    """An answer of the admin API that is not what was asked for."""


class Books:
    """What the gateway and the sandbox know."""

    def __init__(self, gateway, sandbox, token):
        self.gateway = gateway
        self.sandbox = sandbox
        self.token = token

    def admin(self, path, method="GET", body=None):
        status, answer = ask(f"{self.gateway}/admin/v1/{path}", self.token, method, body)
        if status >= 300:
            raise Refused(f"the admin API answered {status} to {method} {path}: {answer}")
        return answer

    def transactions(self, state=None):
        """The gateway's record, by pages."""
        query = "transactions?limit=500" + (f"&state={state}" if state else "")
        after = ""
        while True:
            page = self.admin(query + after)
            yield from page["transactions"]
            if page["next"] is None:
                return
            after = f"&after={page['next']}"

    def unfinished(self):
        return sum(len(self.admin(f"transactions?limit=500&state={state}")["transactions"]) for state in UNFINISHED)

    def settled_by_statuses(self):
        """How many were unknown until their provider told of them."""
        records = (self.admin(f"transactions/{entry['id']}") for entry in self.transactions())
        return sum(any(turn["from"] == "unknown" and turn["cause"] == "status" for turn in record["turns"])
                   for record in records)

    def taken(self):
        """What the sandbox took, the earliest first: text and recipient."""
        status, received = ask(f"{self.sandbox}/sandbox/messages")
        assert status == 200, status
        return [(entry["body"]["text"]["body"], entry["body"]["to"]) for entry in reversed(received)]


@dataclass
class Verdict:
    """The result of a comparison."""

    sent: int
    accepted: int
    delivered: int
    duplicated: list
    lost: list
    out_of_order: list
    # Transactions on hold, with whether the provider has the message.
    unknown: dict
    settled: int

    def passed(self):
        return not (self.duplicated or self.lost or self.out_of_order) and self.accepted == self.sent


def compare(messages, books, texts):
    """`texts`: transaction id -> text, of those on hold."""
    taken = books.taken()
    times = Counter(text for text, _ in taken)
    on_hold = {texts[entry["id"]]: entry["id"] for entry in books.transactions("unknown")}
    return Verdict(
        sent=len(messages),
        accepted=sum(message.id is not None for message in messages),
        delivered=sum(times[message.text] == 1 for message in messages),
        duplicated=[text for text, count in times.items() if count > 1],
        lost=[m.text for m in messages if m.id and not times[m.text] and m.text not in on_hold],
        out_of_order=out_of_order(taken),
        unknown={entry: text in times for text, entry in on_hold.items()},
        settled=books.settled_by_statuses(),
    )


def out_of_order(taken):
    """Messages that overtook an earlier one to the same recipient. The numbers in their texts rise."""
    latest = defaultdict(str)
    found = []
    for text, recipient in taken:
        if text < latest[recipient]:
            found.append(text)
        latest[recipient] = max(latest[recipient], text)
    return found
