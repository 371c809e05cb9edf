"""Takes callbacks in the dialect of the Cloud API: looks at the signature, answers at once, and only then thinks.

    CALLBACK_SECRET=… PORT=9000 python3 receive.py
"""

import hashlib
import hmac
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SECRET = os.environ["CALLBACK_SECRET"].encode()


def is_genuine(signature, body):
    """Over the bytes as they came: the same JSON written anew has another signature."""
    expected = "sha256=" + hmac.new(SECRET, body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(expected, signature or "")


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        genuine = is_genuine(self.headers["X-Hub-Signature-256"], body)
        self.send_response(200 if genuine else 401)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if genuine:
            hear(json.loads(body))

    def log_message(self, *_):
        pass


def hear(event):
    """One event in each call. It may come twice: whoever keeps it remembers the id and the status."""
    value = event["entry"][0]["changes"][0]["value"]
    for status in value.get("statuses", []):
        print("status", status["id"], status["status"], flush=True)
    for message in value.get("messages", []):
        print("message", message["id"], message["type"], flush=True)


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "9000"))), Hook)
    print(f"listens on http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
