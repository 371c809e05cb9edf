"""Sends a text through the gateway, in the dialect of the Cloud API, with nothing but Python.

    SABIR_URL=http://127.0.0.1:8080 SABIR_KEY=… python3 send.py 447700900123 'Bay 2 is open'
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid


def send(to, text):
    """Returns the message's id, by which its statuses will name it, and the id of its transaction."""
    body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": text}}
    headers = {
        "Authorization": f"Bearer {os.environ['SABIR_KEY']}",
        "Content-Type": "application/json",
        # The same key in every try: however often is asked, the message goes out once.
        "Idempotency-Key": str(uuid.uuid4()),
    }
    request = urllib.request.Request(os.environ["SABIR_URL"] + "/messages", json.dumps(body).encode(), headers)
    for attempt in range(6):
        wait = 2**attempt
        try:
            with urllib.request.urlopen(request, timeout=15) as answer:
                return json.load(answer)["messages"][0]["id"], answer.headers["Sabir-Transaction-Id"]
        except urllib.error.HTTPError as error:
            # 409: the first try is still under way. All else below 500 will not be mended by another try.
            if error.code not in (409, 429) and error.code < 500:
                told = json.load(error)["error"]
                sys.exit(f"{told['message']}: {told['error_data']['details']}")
            wait = int(error.headers.get("Retry-After", wait))
        except OSError:
            pass  # Not reached, or no answer: perhaps it was taken, and the key sees to it that it is not taken twice.
        time.sleep(wait)
    sys.exit("the gateway does not take it; try again later with the same key")


if __name__ == "__main__":
    print(*send(sys.argv[1], sys.argv[2]))
