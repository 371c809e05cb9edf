"""Clients as they should be: each message has an idempotency key and is asked again until its answer came."""

import asyncio
import uuid
from collections import Counter
from dataclasses import dataclass, field

from processes import ask

# Answers after which a client comes again with the same key: busy, still under way, the gateway or its store is away.
AGAIN = {409, 429, 500, 502, 503, 504}


@dataclass
class Message:
    """One message; its text is found again at the provider."""

    text: str
    recipient: str
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    calls: int = 0
    # The id that the client was given.
    id: str | None = None
    refused: str | None = None


class Clients:
    """Sends `count` messages to `pairs` recipients. A recipient's messages go out one behind the other's answer."""

    def __init__(self, base, token, count, pairs, at_once):
        self.base = base
        self.token = token
        self.answers = Counter()
        self.conversations = [[] for _ in range(pairs)]
        for number in range(count):
            recipient = number % pairs
            message = Message(f"message {number:06}", f"4477009{recipient:05}")
            self.conversations[recipient].append(message)
        self.places = asyncio.Semaphore(at_once)

    @property
    def messages(self):
        return [message for conversation in self.conversations for message in conversation]

    async def run(self):
        await asyncio.gather(*(self.converse(conversation) for conversation in self.conversations))

    async def converse(self, conversation):
        for message in conversation:
            async with self.places:
                await self.send(message)

    async def send(self, message):
        while message.id is None and message.refused is None:
            message.calls += 1
            try:
                status, answer = await asyncio.to_thread(self.post, message)
            except OSError:
                self.answers["no answer"] += 1
                await asyncio.sleep(0.1)
                continue
            self.answers[status] += 1
            if status == 200:
                message.id = answer["messages"][0]["id"]
            elif status in AGAIN:
                await asyncio.sleep(0.1)
            else:
                message.refused = f"{status} {answer}"

    def post(self, message):
        body = {
            "messaging_product": "whatsapp",
            "to": message.recipient,
            "type": "text",
            "text": {"body": message.text},
        }
        return ask(f"{self.base}/messages", self.token, "POST", body, timeout=15, headers={"idempotency-key": message.key})
