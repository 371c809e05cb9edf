//! The send request. Vendor pages: messages/send-messages and those of each kind.

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::dialect::reader::{ANY_LENGTH, Members};
use crate::dialect::shapes::{
    Forms, MAX_TEXT, Object, decode_contacts, decode_interactive, decode_location, decode_media, decode_quote,
    decode_reaction, decode_template, decode_user, encode_contacts, encode_interactive, encode_location, encode_media,
    encode_quote, encode_reaction, encode_template,
};
use crate::dialect::{Call, Decoded, Target, Translation, request};
use crate::model::{
    Content, Extra, Fault, FaultKind, MediaKind, Message, PhoneNumber, ReadMark, Recipient, RecipientAddress,
    References, Request, Text, Warning,
};

/// Longest value that is repeated in statuses (256 until 2025).
const MAX_OPAQUE: usize = 512;

const FORMS: Forms = Forms {
    read_media: decode_media,
    write_media: encode_media,
    // The guide says 4096; older SDKs and the OpenAPI document say 1024.
    max_list_body: 4096,
    interactive_kinds: None,
};

const KINDS: &str = "text, image, audio, video, document, sticker, location, contacts, interactive, template, reaction";

/// Whether a path segment is a version of the Graph API: `v23.0`.
pub fn is_version(segment: &str) -> bool {
    let Some((major, minor)) = segment.strip_prefix('v').and_then(|rest| rest.split_once('.')) else { return false };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits(major) && digits(minor)
}

/// Whether a path segment is the id of a phone number or of an upload: digits alone.
pub fn is_id(segment: &str) -> bool {
    !segment.is_empty() && segment.bytes().all(|b| b.is_ascii_digit())
}

/// The phone number id that the path names.
fn phone_number_id(path: &str) -> Option<String> {
    path.split('/').find(|segment| is_id(segment)).map(str::to_owned)
}

pub fn decode(call: Call) -> Result<Decoded<Request>, Fault> {
    let sender = phone_number_id(&call.path);
    let mut body = Members::of_body(call.body)?;
    let product = body.text("messaging_product", ANY_LENGTH)?;
    if !product.eq_ignore_ascii_case("whatsapp") {
        return Err(Fault::invalid("messaging_product", "is another product; give \"whatsapp\""));
    }
    if is_read_mark(&body) {
        let value = Request::Read(decode_read_mark(sender, body)?);
        return Ok(Decoded { value, warnings: Vec::new() });
    }
    let mut warnings = Vec::new();
    let message = decode_message(sender, body, &mut warnings)?;
    Ok(Decoded { value: Request::Send(message), warnings })
}

/// A read mark has a `status`, a `message_id` and no recipient; a stray `status` makes no read mark of a message.
fn is_read_mark(body: &Members) -> bool {
    body.has("status") && (body.has("message_id") || !(body.has("to") || body.has("recipient")))
}

fn decode_read_mark(sender: Option<String>, mut body: Members) -> Result<ReadMark, Fault> {
    let status = body.text("status", ANY_LENGTH)?;
    if status != "read" {
        return Err(Fault::invalid("status", "is not one that a client can set; give \"read\""));
    }
    Ok(ReadMark {
        sender,
        message_id: body.text("message_id", ANY_LENGTH)?,
        typing: body.optional_object("typing_indicator")?.map(|typing| typing.rest().0),
        extra: body.rest(),
    })
}

fn decode_message(sender: Option<String>, mut body: Members, warnings: &mut Vec<Warning>) -> Result<Message, Fault> {
    let recipient = decode_recipient(&mut body, warnings)?;
    let content = decode_content(&mut body, warnings)?;
    let reply_to = decode_quote(&mut body)?;
    let opaque = body.optional_text("biz_opaque_callback_data", MAX_OPAQUE)?;
    Ok(Message {
        sender,
        recipient,
        content,
        reply_to,
        references: References { opaque, ..References::default() },
        callbacks: Vec::new(),
        ttl_seconds: None,
        identity_key_hash: body.optional_text("recipient_identity_key_hash", ANY_LENGTH)?,
        extra: body.rest(),
        envelope_extra: Extra::default(),
    })
}

/// `to` wins over `recipient` where both are there.
fn decode_recipient(body: &mut Members, warnings: &mut Vec<Warning>) -> Result<Recipient, Fault> {
    let group = match body.optional_text("recipient_type", ANY_LENGTH)?.as_deref() {
        None | Some("individual") => false,
        Some("group") => true,
        Some(_) => return Err(Fault::invalid("recipient_type", "is unknown; give \"individual\" or \"group\"")),
    };
    let user = body.optional_text("recipient", ANY_LENGTH)?.filter(|user| !user.is_empty());
    let input = match (body.optional_text("to", ANY_LENGTH)?.filter(|to| !to.is_empty()), user) {
        (Some(to), Some(_)) => {
            warnings.push(Warning::new("recipient", "stands beside `to`, which wins: left out"));
            to
        }
        (Some(to), None) => to,
        (None, _) if group => return Err(Fault::missing("to", "give the group's id")),
        (None, Some(user)) => return decode_user(user),
        (None, None) => return Err(Fault::missing("to", "give the recipient's number with its country code")),
    };
    Ok(Recipient { address: decode_to(&input, group, warnings)?, input })
}

fn decode_to(to: &str, group: bool, warnings: &mut Vec<Warning>) -> Result<RecipientAddress, Fault> {
    if group {
        return Ok(RecipientAddress::Group(to.to_owned()));
    }
    if RecipientAddress::looks_like_user(to) {
        let text = "a business-scoped user id in `to` would be taken and lost by Meta: sent as `recipient`";
        warnings.push(Warning::new("to", text));
        return Ok(RecipientAddress::User(to.to_owned()));
    }
    PhoneNumber::parse(to).map(RecipientAddress::Phone).map_err(|why| Fault::at(FaultKind::InvalidRecipient, "to", why))
}

fn decode_content(body: &mut Members, warnings: &mut Vec<Warning>) -> Result<Content, Fault> {
    let kind = body.optional_text("type", ANY_LENGTH)?.unwrap_or_else(|| "text".to_owned()).to_ascii_lowercase();
    if let Some(kind) = MediaKind::named(&kind) {
        let media = body.object(kind.as_str())?;
        return decode_media(kind, media, warnings).map(Content::Media);
    }
    Ok(match kind.as_str() {
        "text" => {
            let mut text = body.object("text")?;
            Content::Text(Text {
                body: text.text("body", MAX_TEXT)?,
                preview_url: text.optional_flag("preview_url")?,
                extra: text.rest(),
            })
        }
        "location" => Content::Location(decode_location(body.object("location")?)?),
        "contacts" => Content::Contacts(decode_contacts(body)?),
        "interactive" => Content::Interactive(decode_interactive(body.object("interactive")?, &FORMS, warnings)?),
        "template" => Content::Template(decode_template(body.object("template")?, &FORMS, warnings)?),
        "reaction" => Content::Reaction(decode_reaction(body.object("reaction")?)?),
        _ => {
            let what = format_args!("is not a kind of message; give one of {KINDS}");
            return Err(Fault::at(FaultKind::UnsupportedKind, "type", what));
        }
    })
}

pub fn encode(
    send: &Request,
    target: &Target<'_>,
    translation: &mut Translation<'_>,
) -> Result<http::Request<Bytes>, Fault> {
    let mut body = Object::new();
    body.put("messaging_product", "whatsapp");
    match send {
        Request::Send(message) => encode_message(message, target, translation, &mut body)?,
        Request::Read(mark) => encode_read_mark(mark, translation, &mut body),
        Request::Relay(relay) => {
            let why = format_args!("it carries WhatsApp only, not {}", relay.channel);
            return Err(translation.refuse(FaultKind::UnsupportedKind, "channel", why));
        }
    }
    let path = match target.phone_number_id {
        Some(id) => format!("/{id}/messages"),
        None => "/messages".to_owned(),
    };
    request(Method::POST, &path, &body.into())
}

fn encode_read_mark(mark: &ReadMark, translation: &mut Translation<'_>, body: &mut Object) {
    body.put("status", "read");
    body.put("message_id", mark.message_id.as_str());
    body.put_some("typing_indicator", &mark.typing);
    translation.extra(&mark.extra, "", &mut body.0);
}

fn encode_message(
    message: &Message,
    target: &Target<'_>,
    translation: &mut Translation<'_>,
    body: &mut Object,
) -> Result<(), Fault> {
    match &message.recipient.address {
        RecipientAddress::Phone(number) => {
            body.put("recipient_type", "individual");
            body.put("to", number.e164());
        }
        RecipientAddress::User(user) => {
            body.put("recipient_type", "individual");
            body.put("recipient", user.as_str());
        }
        RecipientAddress::Group(group) => {
            body.put("recipient_type", "group");
            body.put("to", group.as_str());
        }
    }
    let kind = message.content.kind().as_str();
    body.put("type", kind);
    body.put(kind, encode_content(&message.content, translation)?);
    encode_quote(message.reply_to.as_ref(), translation, body);
    translation.lose_if(message.ttl_seconds.is_some(), "ttl", "the template's own time to live decides")?;
    body.put_some("recipient_identity_key_hash", &message.identity_key_hash);
    // The provider repeats this in every status: it proves which transaction a message belongs to, even where the
    // answer to the send got lost. The client's own value stays on the transaction.
    body.put_some("biz_opaque_callback_data", &target.correlation.map(|id| id.to_string()));
    translation.extra(&message.extra, "", &mut body.0);
    Ok(())
}

fn encode_content(content: &Content, translation: &mut Translation<'_>) -> Result<Value, Fault> {
    Ok(match content {
        Content::Text(text) => {
            translation.within("text.body", &text.body, MAX_TEXT)?;
            let mut object = Object::new();
            object.put("body", text.body.as_str());
            object.put_some("preview_url", &text.preview_url);
            translation.extra(&text.extra, "text", &mut object.0);
            object.into()
        }
        Content::Media(media) => encode_media(media, media.kind.as_str(), translation)?,
        Content::Location(location) => encode_location(location, "location", translation),
        Content::Contacts(contacts) => encode_contacts(contacts),
        Content::Interactive(interactive) => encode_interactive(interactive, &FORMS, translation)?,
        Content::Template(template) => {
            let mut object = encode_template(template, &FORMS, translation)?;
            // Ignored by Meta, and of no meaning to its clients: repeated only for them.
            if let Some(namespace) = template.namespace.as_ref().filter(|_| translation.keeps_members()) {
                object.put("namespace", namespace.as_str());
            }
            object.into()
        }
        Content::Reaction(reaction) => encode_reaction(reaction, "reaction", translation),
    })
}
