"""wabclient (On-Premises, and 360dialog v1 through a session that sends the key): raises for every status of 400 or more,
and reads JSON in every other answer."""

import requests
from wabclient import Client

from check import ADDRESS, KEY, PERSON, PROVIDER, SILENT, STRANGER, check, content, fails, latest


def bearer(key):
    client = Client(ADDRESS)
    client.connection.set_token(key)
    return client


def d360(key):
    session = requests.Session()
    session.headers["D360-API-KEY"] = key
    return Client(ADDRESS, session=session)


def sent(answer):
    assert answer["contacts"][0]["wa_id"] == PERSON, answer
    return content(answer["messages"][0]["id"])


for name, client in ("On-Premises", bearer(KEY)), ("360dialog", d360(KEY)):

    @check(f"{name}: send_message")
    def _():
        assert sent(client.send_message(PERSON, "Bay 2 is open"))["text"]["body"] == "Bay 2 is open"
        assert sent(client.send_message(PERSON, "See https://example.net/"))["text"]["preview_url"] is True

    @check(f"{name}: send_hsm arrives as a template")
    def _():
        params = [{"default": "Ada"}, {"default": "2"}]
        template = sent(client.send_hsm(PERSON, "sandbox", "bay_open", "en", params))["template"]
        assert (template["name"], template["language"]) == ("bay_open", "en"), template
        assert [one["value"]["text"] for one in template["components"][0]["parameters"]] == ["Ada", "2"], template


client = bearer(KEY)


def refusal(call):
    response = fails(requests.HTTPError, call).response
    error = response.json()["errors"][0]
    assert error["title"] and error["details"], error
    return response.status_code, error["code"]


@check("refusals: not on WhatsApp, the window is closed")
def _():
    assert refusal(lambda: client.send_message(STRANGER, "Hi")) == (400, 1013)
    assert refusal(lambda: client.send_message(SILENT, "Hi"))[1] == 470


@check("a message that breaks a rule is 400")
def _():
    assert refusal(lambda: client.send_message("12", "Hi"))[0] == 400


@check("a wrong key is 401, in either header")
def _():
    assert refusal(lambda: bearer("wrong").send_message(PERSON, "Hi")) == (401, 1005)
    assert refusal(lambda: d360("wrong").send_message(PERSON, "Hi")) == (401, 1005)
