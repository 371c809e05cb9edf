"""whatsappez (On-Premises): sets a new password whenever it logs in, and sends a JSON content type with every GET."""

import base64

from whatsappez import WhatsApp

from check import ADDRESS, KEY, PERSON, PROVIDER, SILENT, check, content, latest

# A name and its password belong to one account.
PASSWORD = f"Harbour-2026-{PROVIDER}"


def logged_in(password):
    return WhatsApp(ADDRESS, base64.b64encode(f"admin:{password}".encode()).decode(), PASSWORD)


def message(kind, member):
    return {"to": PERSON, "recipient_type": "individual", "type": kind, kind: member}


def sent(answer):
    return content(answer["messages"][0]["id"])


@check("adminLogin with a new password, then with that password")
def whatsapp():
    logged_in(KEY)
    return logged_in(PASSWORD)


@check("send: a text")
def _():
    assert sent(whatsapp.message.send(message("text", {"body": "Bay 2 is open"})))["text"]["body"] == "Bay 2 is open"


@check("send: a template")
def _():
    template = {
        "namespace": "sandbox",
        "name": "bay_open",
        "language": {"policy": "deterministic", "code": "en"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}],
    }
    arrived = sent(whatsapp.message.send(message("template", template)))["template"]
    assert arrived["components"][0]["parameters"][0]["value"]["text"] == "Ada", arrived


@check("send: buttons")
def _():
    buttons = [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]
    interactive = {"type": "button", "body": {"text": "Book bay 2?"}, "action": {"buttons": buttons}}
    arrived = sent(whatsapp.message.send(message("interactive", interactive)))["interactive"]
    assert arrived["action"]["buttons"][0]["id"] == "yes", arrived


@check("read")
def _():
    assert "errors" not in whatsapp.message.read("gBEWSRUSNABtAgnD3m0Sample1")
    assert latest()["read"]["message_id"] == "gBEWSRUSNABtAgnD3m0Sample1"


@check("a refusal is one of errors")
def _():
    error = whatsapp.message.send({**message("text", {"body": "Hi"}), "to": SILENT})["errors"][0]
    assert error["code"] == 470 and error["title"] and error["details"], error


@check("settings: the webhook, also taken away again")
def _():
    settings = whatsapp.Settings(ADDRESS, whatsapp.jwt_token)
    assert "errors" not in settings.updateWebhook("https://hooks.example.net/wa")
    assert settings.getSettings()["settings"]["application"]["webhooks"]["url"] == "https://hooks.example.net/wa"
    assert "errors" not in settings.deleteAppSettings()
    assert not settings.getSettings()["settings"]["application"].get("webhooks", {}).get("url")


@check("settings: the profile, and those of the provider, which are refused")
def _():
    settings = whatsapp.Settings(ADDRESS, whatsapp.jwt_token)
    assert "errors" not in settings.setProfile({"address": "Dock Road", "websites": ["https://example.net"]})
    assert settings.getProfile()["settings"]["business"]["profile"]["address"] == "Dock Road"
    assert "settings" in settings.getProfileAbout()
    for refused in settings.getShards(), settings.getComplianceInfo(), whatsapp.user.getUser("admin"):
        assert refused["errors"][0]["code"] == 1005, refused


@check("logoutUser ends the token")
def _():
    assert "errors" not in whatsapp.user.logoutUser()
    assert whatsapp.message.send(message("text", {"body": "Hi"}))["errors"][0]["code"] == 1005
