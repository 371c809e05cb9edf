"""wabclient (On-Premises, and 360dialog v1 through a session that sends the key): raises for every status of 400 or more,
and reads JSON in every other answer."""

import datetime
import io

import requests
from wabclient import Client
from wabclient.exceptions import AddressException

from check import ADDRESS, INVOICE, KEY, PERSON, PICTURE, SILENT, STRANGER, TOO_LARGE, check, content, fails


def logged_in(password):
    client = Client(ADDRESS, session=requests.Session())
    token, expires_at = client.config.login("admin", password)
    assert token and expires_at > datetime.datetime.now(datetime.timezone.utc), expires_at
    return client


def d360(key):
    session = requests.Session()
    session.headers["D360-API-KEY"] = key
    return Client(ADDRESS, session=session)


def sent(answer):
    assert answer["contacts"][0]["wa_id"] == PERSON, answer
    return content(answer["messages"][0]["id"])


def upload(client):
    with PICTURE.open("rb") as file:
        [media] = client.upload("/v1/media", file, "image/png")["media"]
    return media["id"]


def refusal(call):
    response = fails(requests.HTTPError, call).response
    error = response.json()["errors"][0]
    assert error["title"] and error["details"], error
    return response.status_code, error["code"]


@check("login")
def client():
    return logged_in(KEY)


@check("login with a wrong password is 401")
def _():
    assert refusal(lambda: logged_in("wrong")) == (401, 1005)


for name, caller in ("after login", client), ("360dialog", d360(KEY)):

    @check(f"{name}: check_contacts and get_address")
    def _():
        numbers = ["+44 7700 900123", "12"]
        known, unknown = caller.check_contacts(numbers, wait=True)["contacts"]
        assert known == {"input": numbers[0], "status": "valid", "wa_id": PERSON}, known
        assert unknown == {"input": numbers[1], "status": "invalid"}, unknown
        assert caller.get_address("+44 7700 900123") == PERSON
        fails(AddressException, lambda: caller.get_address("12"))

    @check(f"{name}: send_message, the address checked first")
    def _():
        answer = caller.send_message("+44 7700 900123", "Bay 2 is open", check_address=True)
        assert sent(answer)["text"]["body"] == "Bay 2 is open"
        assert sent(caller.send_message(PERSON, "See https://example.net/"))["text"]["preview_url"] is True

    @check(f"{name}: send_hsm arrives as a template")
    def _():
        params = [{"default": "Ada"}, {"default": "2"}]
        template = sent(caller.send_hsm(PERSON, "sandbox", "bay_open", "en", params))["template"]
        assert (template["name"], template["language"]) == ("bay_open", "en"), template
        assert [one["value"]["text"] for one in template["components"][0]["parameters"]] == ["Ada", "2"], template

    @check(f"{name}: healthcheck")
    def _():
        assert caller.healthcheck()["health"]["gateway_status"] == "connected"

    @check(f"{name}: upload and download_media")
    def _():
        media_id = upload(caller)
        length, stream = caller.download_media(media_id)
        assert (length, stream.read()) == (PICTURE.stat().st_size, PICTURE.read_bytes())

    @check(f"{name}: send_image and send_document upload the file first")
    def _():
        with PICTURE.open("rb") as file:
            media = sent(caller.send_image(PERSON, "picture.png", file, "Bay 2"))["media"]
        assert media["kind"] == "image" and media["source"]["id"] and media["caption"] == "Bay 2", media
        with INVOICE.open("rb") as file:
            media = sent(caller.send_document(PERSON, "invoice.pdf", file, "Invoice"))["media"]
        assert media["kind"] == "document" and media["source"]["id"], media


@check("settings")
def _():
    client.config.set_settings(on_call_pager=PERSON, webhook="https://hooks.example.net/wa", sent_status=True)
    settings = client.config.get_settings()
    assert settings["webhooks"]["url"] == "https://hooks.example.net/wa", settings
    assert (settings["sent_status"], settings["callback_backoff_delay_ms"]) == (True, "3000"), settings


@check("about and business profile")
def _():
    client.config.set_about("Open until six")
    assert client.config.get_about() == "Open until six"
    client.config.set_business_profile(address="Dock Road", websites=["https://example.net"])
    profile = client.config.get_business_profile()["profile"]
    assert (profile["address"], profile["websites"]) == ("Dock Road", ["https://example.net"]), profile


@check("what the gateway has no part in is refused in the server's words: groups, users, backups")
def _():
    for call in (
        client.groups.list,
        lambda: client.config.set_password("admin", "Harbour-2026"),
        lambda: client.create_backup("Harbour-2026"),
    ):
        status, code = refusal(call)
        assert 400 <= status < 500 and isinstance(code, int), (status, code)


@check("refusals: not on WhatsApp, the window is closed, a number that is none")
def _():
    assert refusal(lambda: client.send_message(STRANGER, "Hi")) == (400, 1013)
    assert refusal(lambda: client.send_message(SILENT, "Hi"))[1] == 470
    assert refusal(lambda: client.send_message("12", "Hi"))[0] == 400


@check("a wrong key is 401")
def _():
    assert refusal(lambda: d360("wrong").send_message(PERSON, "Hi")) == (401, 1005)


@check("a file that is too large is 413")
def _():
    assert refusal(lambda: client.upload("/v1/media", io.BytesIO(bytes(TOO_LARGE)), "image/png"))[0] == 413


@check("a file that is not there is 404")
def _():
    assert refusal(lambda: client.download_media("1")) == (404, 1006)
