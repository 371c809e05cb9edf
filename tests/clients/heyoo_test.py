"""heyoo (Cloud API; 360dialog v2 by its address and headers): answers are plain JSON, and members that are not there are sent as null."""

from pathlib import Path

from heyoo import WhatsApp

from check import ADDRESS, KEY, LINK, PERSON, PICTURE, STRANGER, check, content, latest


def client(key):
    whatsapp = WhatsApp(key, phone_number_id="5512000")
    whatsapp.base_url = f"{ADDRESS}/v14.0"
    whatsapp.v15_base_url = f"{ADDRESS}/v15.0"
    whatsapp.url = f"{whatsapp.base_url}/5512000/messages"
    return whatsapp


def d360(key):
    whatsapp = WhatsApp(key)
    whatsapp.base_url = ADDRESS
    whatsapp.url = f"{ADDRESS}/messages"
    whatsapp.headers = {"D360-API-KEY": key}
    return whatsapp


whatsapp = client(KEY)


def sent(answer):
    assert answer["contacts"] == [{"input": PERSON, "wa_id": PERSON}], answer
    return content(answer["messages"][0]["id"])


@check("send_message")
def _():
    answer = whatsapp.send_message("Bay 2 is open", PERSON, preview_url=False)
    assert sent(answer) == {"text": {"body": "Bay 2 is open", "preview_url": False}}


@check("reply_to_message")
def _():
    answer = whatsapp.reply_to_message("wamid.HBgMNDQ3", PERSON, "On our way")
    assert sent(answer)["text"]["body"] == "On our way"
    assert latest()["send"]["reply_to"]["message_id"] == "wamid.HBgMNDQ3"


@check("send_image by link, its caption null")
def _():
    assert sent(whatsapp.send_image(LINK, PERSON)) == {"media": {"kind": "image", "source": {"link": LINK}}}


@check("send_image by id")
def _():
    media = sent(whatsapp.send_image("1013859600", PERSON, caption="Bay 2", link=False))["media"]
    assert media == {"kind": "image", "source": {"id": "1013859600"}, "caption": "Bay 2"}, media


@check("send_document by link")
def _():
    media = sent(whatsapp.send_document(LINK, PERSON, caption="Invoice", filename="invoice.pdf"))["media"]
    assert (media["filename"], media["caption"]) == ("invoice.pdf", "Invoice"), media


@check("send_video, send_audio and send_sticker by link")
def _():
    assert sent(whatsapp.send_video(LINK, PERSON))["media"]["kind"] == "video"
    assert sent(whatsapp.send_audio(LINK, PERSON))["media"]["kind"] == "audio"
    assert sent(whatsapp.send_sticker(LINK, PERSON))["media"]["kind"] == "sticker"


@check("send_template")
def _():
    components = [{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}]
    template = sent(whatsapp.send_template("bay_open", PERSON, components, lang="en_GB"))["template"]
    assert (template["name"], template["language"]) == ("bay_open", "en_GB")
    assert template["components"] == [{"kind": "body", "parameters": [{"value": {"text": "Ada"}}]}], template


@check("send_template without components")
def _():
    assert sent(whatsapp.send_template("hello", PERSON, []))["template"]["name"] == "hello"


@check("send_button: a list")
def _():
    rows = [{"id": "2", "title": "Bay 2", "description": "Open"}]
    button = {
        "header": "Bays",
        "body": "Which one?",
        "footer": "Open until six",
        "action": {"button": "Choose", "sections": [{"title": "Bays", "rows": rows}]},
    }
    listed = sent(whatsapp.send_button(button, PERSON))["interactive"]
    assert listed["action"]["list"]["sections"][0]["rows"][0]["id"] == "2", listed


@check("send_reply_button")
def _():
    replies = [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]
    button = {"type": "button", "body": {"text": "Book bay 2?"}, "action": {"buttons": replies}}
    assert sent(whatsapp.send_reply_button(button, PERSON))["interactive"]["action"]["buttons"][0]["id"] == "yes"


@check("send_location, its degrees as text")
def _():
    place = sent(whatsapp.send_location("51.5", "-0.12", "Bay 2", "Dock Road", PERSON))["location"]
    assert (float(place["latitude"]), place["name"]) == (51.5, "Bay 2"), place


@check("send_contacts")
def _():
    card = {"name": {"formatted_name": "Ada Byron", "first_name": "Ada"}, "phones": [{"phone": "+447700900124"}]}
    assert sent(whatsapp.send_contacts([card], PERSON))["contacts"][0]["formatted_name"] == "Ada Byron"


@check("send_reaction")
def _():
    assert sent(whatsapp.send_reaction("👍", "wamid.HBgMNDQ3", PERSON))["reaction"]["emoji"] == "👍"


@check("mark_as_read")
def _():
    assert whatsapp.mark_as_read("wamid.HBgMNDQ3") == {"success": True}
    assert latest()["read"]["message_id"] == "wamid.HBgMNDQ3"


@check("upload_media under its whole path, query_media_url and download_media")
def media_id():
    media_id = whatsapp.upload_media(str(PICTURE))["id"]
    assert media_id.isdigit(), media_id
    url = whatsapp.query_media_url(media_id)
    assert url.startswith(ADDRESS), url
    file = whatsapp.download_media(url, "image/png", "downloaded")
    assert Path(file).read_bytes() == PICTURE.read_bytes()
    return media_id


@check("send_image by the id of an upload, twice: the provider gets the file once, and its own id for it")
def _():
    first, second = (sent(whatsapp.send_image(media_id, PERSON, link=False))["media"] for _ in range(2))
    assert first == second and first["kind"] == "image" and first["source"]["id"] != media_id, first


@check("360dialog: query_media_url and download_media of that upload")
def _():
    url = d360(KEY).query_media_url(media_id)
    file = d360(KEY).download_media(url, "image/png", "downloaded")
    assert Path(file).read_bytes() == PICTURE.read_bytes()


@check("delete_media, after which it is not there")
def _():
    assert whatsapp.delete_media(media_id) == {"success": True}
    assert whatsapp.query_media_url(media_id) is None
    assert whatsapp.delete_media(media_id) is None


@check("a refusal is an error with an integer as its code")
def _():
    error = whatsapp.send_message("Hi", STRANGER)["error"]
    assert error["code"] == 131026 and error["message"] and error["fbtrace_id"], error


@check("a wrong key is error 190")
def _():
    assert client("wrong").send_message("Hi", PERSON)["error"]["code"] == 190


@check("360dialog: send_message and send_image by link")
def _():
    assert sent(d360(KEY).send_message("Bay 2 is open", PERSON))["text"]["body"] == "Bay 2 is open"
    assert sent(d360(KEY).send_image(LINK, PERSON))["media"]["source"] == {"link": LINK}


@check("360dialog: send_template and send_reply_button")
def _():
    assert sent(d360(KEY).send_template("hello", PERSON, []))["template"]["name"] == "hello"
    replies = [{"type": "reply", "reply": {"id": "yes", "title": "Yes"}}]
    button = {"type": "button", "body": {"text": "Book bay 2?"}, "action": {"buttons": replies}}
    assert sent(d360(KEY).send_reply_button(button, PERSON))["interactive"]["action"]["buttons"][0]["id"] == "yes"


@check("360dialog: a refusal and a wrong key")
def _():
    assert d360(KEY).send_message("Hi", STRANGER)["error"]["code"] == 131026
    assert d360("wrong").send_message("Hi", PERSON)["error"]["code"] == 190
