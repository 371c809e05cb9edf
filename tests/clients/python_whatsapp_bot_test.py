"""python-whatsapp-bot (Cloud API): hands the HTTP response on; its read mark always carries the typing indicator."""

import requests
from python_whatsapp_bot import Inline_button, Inline_keyboard, Inline_list, List_item, Whatsapp

from check import ADDRESS, KEY, LINK, PERSON, PICTURE, PROVIDER, SILENT, check, content, latest


def client(key):
    bot = Whatsapp(5512000, key)
    bot.base_url = f"{ADDRESS}/v21.0"
    bot.msg_url = f"{bot.base_url}/5512000/messages"
    bot.media_url = f"{bot.base_url}/5512000/media"
    return bot


bot = client(KEY)


def sent(response):
    assert response.status_code == 200, response.text
    return content(response.json()["messages"][0]["id"])


@check("send_message")
def _():
    assert sent(bot.send_message(PERSON, "Bay 2 is open"))["text"]["body"] == "Bay 2 is open"


@check("reply_message")
def _():
    sent(bot.reply_message(PERSON, "On our way", msg_id="wamid.HBgMNDQ3"))
    assert latest()["send"]["reply_to"]["message_id"] == "wamid.HBgMNDQ3"


@check("send_message with buttons and a picture above them")
def _():
    markup = Inline_keyboard([Inline_button("Yes", "yes"), Inline_button("No", "no")])
    response = bot.send_message(PERSON, "Book bay 2?", reply_markup=markup, header=LINK, header_type="image")
    assert [one["id"] for one in sent(response)["interactive"]["action"]["buttons"]] == ["yes", "no"]


@check("send_message with a list whose section has no title")
def _():
    markup = Inline_list("Choose", [List_item("Bay 2", "2", "Open"), List_item("Bay 3", "3")])
    action = sent(bot.send_message(PERSON, "Which one?", reply_markup=markup, footer="Until six"))["interactive"]["action"]
    assert [row["id"] for row in action["list"]["sections"][0]["rows"]] == ["2", "3"], action


@check("send_template_message")
def _():
    components = [{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}]
    template = sent(bot.send_template_message(PERSON, "bay_open", components, "en_GB"))["template"]
    assert template["language"] == "en_GB", template


@check("send_media_message by link, its caption null")
def _():
    assert sent(bot.send_media_message(PERSON, LINK))["media"]["source"] == {"link": LINK}


@check("mark_as_read with the typing indicator, which only the Cloud API has")
def _():
    response = bot.mark_as_read({"id": "wamid.HBgMNDQ3"})
    if PROVIDER == "cloud":
        assert response.json() == {"success": True} and latest()["read"]["typing"]
    else:
        assert "typing_indicator" in response.json()["error"]["error_data"]["details"]


@check("get_media_url, download_media and download_media_data of a file that another client uploaded")
def _():
    with PICTURE.open("rb") as file:
        form = {"messaging_product": "whatsapp", "type": "image/png"}
        key = {"Authorization": f"Bearer {KEY}"}
        media_id = requests.post(bot.media_url, form, files={"file": file}, headers=key).json()["id"]
    assert bot.get_media_url(media_id)["mime_type"] == "image/png"
    assert bot.download_media(media_id, "downloads").read_bytes() == PICTURE.read_bytes()
    assert bot.download_media_data(media_id, "").content == PICTURE.read_bytes()


@check("upload_media, which sends no file, is an error that can be read")
def _():
    refused = bot.upload_media()
    assert refused.status_code == 400 and isinstance(refused.json()["error"]["code"], int), refused.text


@check("a refusal and a wrong key are errors with integers as codes")
def _():
    assert bot.send_message(SILENT, "Hi").json()["error"]["code"] == 131047
    refused = client("wrong").send_message(PERSON, "Hi")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, 190)
