"""Writes what the fuzzer begins with: a folder for each target that has a form of its own, and `file` for the others.

fuzz/seeds.py FOLDER. The forms are those that fuzz/lib.rs reads.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path(sys.argv[1])


def dialects():
    """In the order of `dialect::all()`, as that is what the first byte counts."""
    source = (ROOT / "src/dialect/mod.rs").read_text()
    listed = re.search(r"fn all\(\).*?&\[(.*?)\]", source, re.DOTALL).group(1)
    return re.findall(r"&(\w+)::", listed)


def fixtures(dialect, *prefixes):
    folder = ROOT / "src/dialect" / dialect / "fixtures"
    paths = sorted(path for prefix in prefixes for path in folder.glob(f"{prefix}.*.json"))
    return [json.loads(path.read_text()) for path in paths]


def compact(value):
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def sends(first, dialect):
    for which, file in enumerate(fixtures(dialect, "send")):
        yield bytes([first, which % 256]) + compact(file["request"].get("body"))
    for file in fixtures(dialect, "alias", "reject"):
        yield bytes([first, 0]) + compact(file["request"].get("body"))


def outcomes(first, dialect):
    for file in fixtures(dialect, "accepted", "fault"):
        yield bytes([first]) + (file["status"] - 100).to_bytes(2) + compact(file["body"])


def events(first, dialect):
    for file in fixtures(dialect, "event", "webhook"):
        yield bytes([first]) + compact(file["body"])


CALLS = """
POST /v1/users/login|application/json|{"new_password":"Sunny-Days-4"}
POST /v1/contacts|application/json|{"blocking":"wait","contacts":["+447700900123"],"force_check":true}
PATCH /v1/settings/application|application/json|{"webhooks":{"url":"https://a.example.net/b"},"sent_status":true}
POST /v1/settings/business/profile|application/json|{"address":"a","email":"a@example.net","websites":["https://b.example.net"]}
PATCH /v1/settings/profile/about|application/json|{"text":"Hi"}
POST /v1/configs/webhook|application/json|{"url":"https://a.example.net","headers":{"A":"b"}}
POST /kingslanding/login|application/json|{"username":"a","password":"b"}
POST /v1/media|image/png; name="a.png"|
POST /v23.0/5512000/media|multipart/form-data; boundary="a b"|
GET /v23.0/1790000000000000||
DELETE /v1/media/1790000000000000||
"""


def calls(first, _dialect):
    for line in CALLS.strip().splitlines():
        head, content_type, body = line.split("|")
        yield bytes([first]) + "\n".join([*head.split(), content_type, body]).encode()


def files():
    for folder in ("valid", "invalid"):
        for path in sorted((ROOT / "tests/fixtures/media" / folder).iterdir()):
            # The byte says in which buffers it comes.
            yield b"@" + path.read_bytes()


def links():
    text = (ROOT / "tests/fixtures/media/url-cases.json").read_text()
    return [case.encode() for case in re.findall(r'{"url": "([^"]*)"', text)]


def configurations():
    return [path.read_bytes() for path in sorted((ROOT / "config").rglob("*.toml"))]


def write(target, seeds):
    folder = FOLDER / target
    folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (folder / f"{number:04}").write_bytes(seed)


def main():
    write("file", files())
    write("link", links())
    write("configuration", configurations())
    for target, seeds in (("send", sends), ("outcome", outcomes), ("event", events), ("call", calls)):
        write(target, [seed for first, dialect in enumerate(dialects()) for seed in seeds(first, dialect)])


main()
