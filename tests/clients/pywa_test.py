"""pywa (Cloud API): types every answer, and raises an exception of its own for each error code."""

import hashlib

import httpx
from pywa import WhatsApp, errors
from pywa.types import Button, Section, SectionList, SectionRow, URLButton
from pywa.types.templates import BodyText, HeaderImage, TemplateLanguage

from check import ADDRESS, KEY, LINK, PERSON, PICTURE, PROVIDER, SILENT, STRANGER, TOO_LARGE, check, content, fails, latest


def client(key):
    # The client sets the host of Meta on its session, so the address is set after it.
    session = httpx.Client(timeout=10)
    whatsapp = WhatsApp(phone_id="5512000", token=key, session=session)
    session.base_url = f"{ADDRESS}/v23.0"
    return whatsapp


whatsapp = client(KEY)


def sent(message):
    assert message.chat.id == PERSON and message.input.endswith(PERSON), message
    return content(message.id)


@check("send_message")
def _():
    assert sent(whatsapp.send_message(f"+{PERSON}", "Bay 2 is open"))["text"]["body"] == "Bay 2 is open"


@check("send_message as a reply, with a tracker")
def _():
    whatsapp.send_message(PERSON, "On our way", reply_to_message_id="wamid.HBgMNDQ3", tracker="order-7")
    assert latest()["send"]["reply_to"]["message_id"] == "wamid.HBgMNDQ3"


@check("send_message with buttons")
def _():
    buttons = [Button(title="Yes", callback_data="yes"), Button(title="No", callback_data="no")]
    message = whatsapp.send_message(PERSON, "Book bay 2?", header="Bays", footer="Until six", buttons=buttons)
    assert [one["id"] for one in sent(message)["interactive"]["action"]["buttons"]] == ["yes", "no"]


@check("send_message with a list")
def _():
    rows = [SectionRow(title="Bay 2", callback_data="2", description="Open")]
    listed = SectionList("Choose", sections=[Section(title="Bays", rows=rows)])
    action = sent(whatsapp.send_message(PERSON, "Which one?", buttons=listed))["interactive"]["action"]
    assert action["list"]["sections"][0]["rows"][0]["id"] == "2", action


@check("send_message with a link as a button, which only the Cloud API has")
def _():
    send = lambda: whatsapp.send_message(PERSON, "The map", buttons=URLButton("Open", url="https://example.net/map"))
    if PROVIDER == "cloud":
        assert "interactive" in sent(send())
    else:
        error = fails(errors.WhatsAppError, send)
        assert "interactive.type" in error.details, error


@check("send_image and send_document by link")
def _():
    assert sent(whatsapp.send_image(PERSON, LINK, caption="Bay 2"))["media"]["source"] == {"link": LINK}
    media = sent(whatsapp.send_document(PERSON, LINK, filename="invoice.pdf"))["media"]
    assert (media["kind"], media["filename"]) == ("document", "invoice.pdf"), media


@check("send_image by id")
def _():
    assert sent(whatsapp.send_image(PERSON, "1013859600"))["media"]["source"] == {"id": "1013859600"}


@check("send_template")
def _():
    params = [HeaderImage.params(image=LINK), BodyText.params("Ada")]
    message = whatsapp.send_template(PERSON, "bay_open", TemplateLanguage.ENGLISH_UK, params)
    template = sent(message)["template"]
    assert (template["name"], template["language"]) == ("bay_open", "en_GB"), template
    assert [one["kind"] for one in template["components"]] == ["header", "body"], template


@check("send_location, send_reaction and remove_reaction")
def _():
    assert sent(whatsapp.send_location(PERSON, 51.5, -0.12, name="Bay 2"))["location"]["name"] == "Bay 2"
    assert sent(whatsapp.send_reaction(PERSON, "👍", "wamid.HBgMNDQ3"))["reaction"]["emoji"] == "👍"
    assert whatsapp.remove_reaction(PERSON, "wamid.HBgMNDQ3").id


@check("mark_message_as_read")
def _():
    assert whatsapp.mark_message_as_read("wamid.HBgMNDQ3")
    assert latest()["read"]["message_id"] == "wamid.HBgMNDQ3"


@check("indicate_typing, which only the Cloud API has")
def _():
    send = lambda: whatsapp.indicate_typing("wamid.HBgMNDQ3")
    if PROVIDER == "cloud":
        assert send() and latest()["read"]["typing"]
    else:
        assert "typing_indicator" in fails(errors.WhatsAppError, send).details


@check("upload_media, get_media_url, get_media_bytes and download_media")
def media():
    media = whatsapp.upload_media(PICTURE)
    described = whatsapp.get_media_url(media.id)
    data = PICTURE.read_bytes()
    assert (described.mime_type, described.file_size) == ("image/png", len(data)), described
    assert described.sha256 == hashlib.sha256(data).hexdigest(), described
    assert whatsapp.get_media_bytes(described.url) == data
    file = whatsapp.download_media(url=described.url)
    assert (file.name, file.read_bytes()) == ("picture.png", data), file
    return media


@check("upload_media from memory, in pieces, under an odd name")
def _():
    data = PICTURE.read_bytes()
    for name in "ünïcode %41 \"quoted\".png", "../../folder/picture.png":
        media = whatsapp.upload_media(iter([data[:7], data[7:]]), "image/png", name)
        assert whatsapp.get_media_bytes(whatsapp.get_media_url(media.id).url) == data


@check("send_image by the id of an upload, and of a file that it uploads first")
def _():
    assert sent(whatsapp.send_image(PERSON, media))["media"]["source"]["id"]
    assert sent(whatsapp.send_image(PERSON, PICTURE, caption="Bay 2"))["media"]["source"]["id"]


@check("delete_media, after which it is not there")
def _():
    assert whatsapp.delete_media(media.id)
    error = fails(errors.WhatsAppError, lambda: whatsapp.get_media_url(media.id))
    assert error.code == 100 and error.message, error


@check("a file that is too large is an exception that can be read, and the next call is as good as any")
def _():
    error = fails(errors.WhatsAppError, lambda: whatsapp.upload_media(bytes(TOO_LARGE), "image/png", "large.png"))
    assert error.status_code == 413 and error.code and error.details, error
    assert sent(whatsapp.send_message(PERSON, "Hi"))


@check("refusals are exceptions of their own")
def _():
    undeliverable = fails(errors.MessageUndeliverable, lambda: whatsapp.send_message(STRANGER, "Hi"))
    assert undeliverable.status_code == 400 and undeliverable.fbtrace_id and undeliverable.details, undeliverable
    fails(errors.ReEngagementMessage, lambda: whatsapp.send_message(SILENT, "Hi"))


@check("a message that breaks a rule names the member")
def _():
    buttons = [Button(title="A title of far too many letters", callback_data="yes")]
    error = fails(errors.WhatsAppError, lambda: whatsapp.send_message(PERSON, "Hi", buttons=buttons))
    assert "interactive.action.buttons[0].reply.title" in error.details, error


@check("a wrong key is an authorization error")
def _():
    error = fails(errors.AuthorizationError, lambda: client("wrong").send_message(PERSON, "Hi"))
    assert error.status_code == 401, error


@check("a path that is not there is an error that can be read")
def _():
    error = fails(errors.WhatsAppError, lambda: whatsapp.get_business_profile())
    assert error.code and error.message, error
