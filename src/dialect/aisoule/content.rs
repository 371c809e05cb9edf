//! What the send requests of both surfaces share: the kinds, the objects, and that each surface also reads the
//! spelling of the other.

use bytes::Bytes;
use http::Method;
use serde_json::Value;

use crate::dialect::reader::{ANY_LENGTH, Members, kind_of};
use crate::dialect::shapes::{
    Forms, MAX_CAPTION, MAX_TEXT, Object, check_link, decode_interactive, decode_template, encode_interactive,
    encode_template,
};
use crate::dialect::{Decoded, Translation, request};
use crate::model::{
    Content, Extra, Fault, FaultKind, Media, MediaKind, MediaSource, Message, PhoneNumber, Quote, Recipient,
    RecipientAddress, References, Request, Template, Text, Warning,
};

/// What the two surfaces write differently.
pub struct Surface {
    /// Where messages are posted, relative to the upstream's address.
    pub path: &'static str,
    /// The member that holds a file's address, and the other surface's name for it.
    pub links: [&'static str; 2],
    /// The form of the recipient's number.
    pub write_number: fn(&PhoneNumber) -> String,
    /// Whether a text and a template's language are plain texts instead of objects.
    pub plain: bool,
}

/// The kinds of message, each the value of `type` and the name of its block.
const KINDS: [&str; 7] = ["text", "image", "video", "document", "audio", "template", "interactive"];

/// Files inside templates and headers have a `link` on both surfaces.
const INNER_LINKS: [&str; 2] = ["link", "url"];

const FORMS: Forms = Forms {
    read_media: |kind, members, warnings| decode_media(kind, members, INNER_LINKS, warnings),
    write_media: |media, path, translation| encode_media(media, "link", path, translation),
    max_list_body: 1024,
    interactive_kinds: Some(&["button", "list"]),
};

/// Reads a send request.
///
/// # Errors
/// When a member is missing, of the wrong kind or beyond its limit.
pub fn decode(body: Value, surface: &Surface) -> Result<Decoded<Request>, Fault> {
    let mut body = Members::of_body(body)?;
    // Clients that were written for Meta send these along; they mean nothing here.
    body.ignore(&["messaging_product", "recipient_type", "preview_url"]);
    let mut warnings = Vec::new();
    let message = Message {
        sender: None,
        recipient: decode_recipient(&mut body)?,
        content: decode_content(&mut body, surface, &mut warnings)?,
        reply_to: decode_quote(&mut body, &mut warnings)?,
        references: References::default(),
        callbacks: Vec::new(),
        ttl_seconds: None,
        identity_key_hash: None,
        extra: body.rest(),
        envelope_extra: Extra::default(),
    };
    Ok(Decoded { value: Request::Send(message), warnings })
}

/// The vendor contradicts itself about `+` and `00`, so a number is read as people write it, also as a JSON integer.
fn decode_recipient(body: &mut Members) -> Result<Recipient, Fault> {
    let input = match body.require("to", "give the recipient's number with its country code")? {
        Value::String(text) => text,
        Value::Number(number) if number.is_u64() => number.to_string(),
        other => {
            let what = format_args!("is {}; give country code and number as a text", kind_of(&other));
            return Err(Fault::at(FaultKind::InvalidRecipient, "to", what));
        }
    };
    match PhoneNumber::parse(&input) {
        Ok(number) => Ok(Recipient { address: RecipientAddress::Phone(number), input }),
        Err(why) => Err(Fault::at(FaultKind::InvalidRecipient, "to", why)),
    }
}

/// The vendor documents no replies, but a client that names a message means one.
fn decode_quote(body: &mut Members, warnings: &mut Vec<Warning>) -> Result<Option<Quote>, Fault> {
    let Some(mut context) = body.optional_object("context")? else { return Ok(None) };
    if context.has("message_id") {
        let message_id = context.text("message_id", ANY_LENGTH)?;
        return Ok(Some(Quote { message_id, extra: context.rest() }));
    }
    if !context.rest().is_empty() {
        warnings.push(Warning::new("context", "names no message to reply to: left out"));
    }
    Ok(None)
}

fn decode_content(body: &mut Members, surface: &Surface, warnings: &mut Vec<Warning>) -> Result<Content, Fault> {
    let kind = decode_kind(body)?;
    if let Some(kind) = MediaKind::named(kind) {
        let media = body.object(kind.as_str())?;
        return decode_media(kind, media, surface.links, warnings).map(Content::Media);
    }
    Ok(match kind {
        "template" => Content::Template(decode_template(body.object("template")?, &FORMS, warnings)?),
        "interactive" => Content::Interactive(decode_interactive(body.object("interactive")?, &FORMS, warnings)?),
        _ => Content::Text(decode_text(body)?),
    })
}

/// The value of `type`, once the block of that name is known to be there. Neither is guessed from the other.
fn decode_kind(body: &mut Members) -> Result<&'static str, Fault> {
    if !body.has("type") {
        return Err(Fault::missing("type", format_args!("give one of {}", KINDS.join(", "))));
    }
    let name = body.text("type", ANY_LENGTH)?.to_ascii_lowercase();
    let Some(kind) = KINDS.into_iter().find(|kind| *kind == name) else {
        let what = format_args!("is a kind that this dialect does not have; it has {}", KINDS.join(", "));
        return Err(Fault::at(FaultKind::UnsupportedKind, "type", what));
    };
    if body.has(kind) {
        return Ok(kind);
    }
    Err(match KINDS.into_iter().find(|other| body.has(other)) {
        Some(other) => Fault::missing(kind, format_args!("type names it, but the body holds {other}; make them agree")),
        None => Fault::missing(kind, "type names it; give that block"),
    })
}

fn decode_text(body: &mut Members) -> Result<Text, Fault> {
    if !body.has_object("text") {
        return Ok(Text { body: body.text("text", MAX_TEXT)?, preview_url: None, extra: Extra::default() });
    }
    let mut text = body.object("text")?;
    text.ignore(&["preview_url"]);
    Ok(Text { body: text.text("body", MAX_TEXT)?, preview_url: None, extra: text.rest() })
}

fn decode_media(
    kind: MediaKind,
    mut members: Members,
    links: [&str; 2],
    warnings: &mut Vec<Warning>,
) -> Result<Media, Fault> {
    let source = MediaSource::Link(decode_link(&mut members, links)?);
    let caption = decode_caption(kind, &mut members, warnings)?;
    if kind != MediaKind::Document {
        members.ignore(&["filename"]);
    }
    let filename = members.optional_text("filename", ANY_LENGTH)?;
    Ok(Media { kind, source, caption, filename, voice: None, provider: None, extra: members.rest() })
}

fn decode_link(members: &mut Members, [link, other]: [&str; 2]) -> Result<String, Fault> {
    let path = members.path(link);
    if members.take("id").is_some_and(|id| id != "") {
        let what = format_args!("link required: no upload exists that an id could name; give {path} instead");
        return Err(Fault::invalid(members.path("id"), what));
    }
    members.alias(other, link)?;
    if !members.has(link) {
        return Err(Fault::missing(path, "give the file's http or https address"));
    }
    let address = members.text(link, ANY_LENGTH)?;
    check_link(&path, &address)?;
    Ok(address)
}

fn decode_caption(
    kind: MediaKind,
    members: &mut Members,
    warnings: &mut Vec<Warning>,
) -> Result<Option<String>, Fault> {
    if kind.has_caption() {
        return members.optional_text("caption", MAX_CAPTION);
    }
    if members.take("caption").is_some() {
        let text = format!("WhatsApp shows no caption beside {}: left out", kind.as_str());
        warnings.push(Warning::new(members.path("caption"), text));
    }
    Ok(None)
}

/// Writes a send request.
///
/// # Errors
/// When the surfaces do not have the kind, or the translation does not allow a loss.
pub fn encode(
    send: &Request,
    surface: &Surface,
    translation: &mut Translation<'_>,
) -> Result<http::Request<Bytes>, Fault> {
    let message = message_of(send, translation)?;
    let kind = message.content.kind().as_str();
    let mut body = Object::new();
    body.put("to", (surface.write_number)(number_of(message, translation)?));
    body.put("type", kind);
    body.put(kind, encode_content(&message.content, surface, translation)?);
    lose_what_has_no_member(message, translation)?;
    translation.extra(&message.extra, "", &mut body.0);
    request(Method::POST, surface.path, &body.into())
}

fn message_of<'a>(send: &'a Request, translation: &Translation<'_>) -> Result<&'a Message, Fault> {
    match send {
        Request::Send(message) => Ok(message),
        Request::Read(_) => Err(translation.refuse(FaultKind::UnsupportedKind, "status", "it has no read marks")),
        Request::Relay(relay) => {
            let why = format_args!("it carries WhatsApp only, not {}", relay.channel);
            Err(translation.refuse(FaultKind::UnsupportedKind, "channel", why))
        }
    }
}

fn number_of<'a>(message: &'a Message, translation: &Translation<'_>) -> Result<&'a PhoneNumber, Fault> {
    let member = match &message.recipient.address {
        RecipientAddress::Phone(number) => return Ok(number),
        RecipientAddress::User(_) => "recipient",
        RecipientAddress::Group(_) => "to",
    };
    Err(translation.refuse(FaultKind::UnsupportedMember, member, "it sends to telephone numbers only"))
}

/// References and callbacks stay with the gateway, and the key implies the sender: none of them is lost.
fn lose_what_has_no_member(message: &Message, translation: &mut Translation<'_>) -> Result<(), Fault> {
    if let Some(quote) = &message.reply_to {
        translation.lose("context.message_id", "it has no replies")?;
        translation.leave_out(&quote.extra, "context");
    }
    translation.lose_if(message.ttl_seconds.is_some(), "ttl", "it has no time to live")?;
    let why = "it does not compare identities";
    translation.lose_if(message.identity_key_hash.is_some(), "recipient_identity_key_hash", why)
}

fn encode_content(content: &Content, surface: &Surface, translation: &mut Translation<'_>) -> Result<Value, Fault> {
    match content {
        Content::Text(text) => encode_text(text, surface, translation),
        Content::Media(media) if media.kind != MediaKind::Sticker => {
            encode_media(media, surface.link(), media.kind.as_str(), translation)
        }
        Content::Template(template) => encode_whole_template(template, surface, translation),
        Content::Interactive(interactive) => encode_interactive(interactive, &FORMS, translation),
        Content::Media(_) | Content::Location(_) | Content::Contacts(_) | Content::Reaction(_) => {
            let why = format_args!("it is {}; that dialect has {}", content.kind().as_str(), KINDS.join(", "));
            Err(translation.refuse(FaultKind::UnsupportedKind, "type", why))
        }
    }
}

fn encode_text(text: &Text, surface: &Surface, translation: &mut Translation<'_>) -> Result<Value, Fault> {
    translation.lose_if(text.preview_url == Some(true), "text.preview_url", "it has no previews")?;
    if surface.plain {
        translation.leave_out(&text.extra, "text");
        return Ok(text.body.as_str().into());
    }
    let mut object = Object::new();
    object.put("body", text.body.as_str());
    translation.extra(&text.extra, "text", &mut object.0);
    Ok(object.into())
}

fn encode_media(media: &Media, link: &str, path: &str, translation: &mut Translation<'_>) -> Result<Value, Fault> {
    let MediaSource::Link(address) = &media.source else {
        let member = format_args!("{path}.id");
        return Err(translation.refuse(FaultKind::UnsupportedMember, member, "it has no uploads; give a link"));
    };
    translation.lose_if(media.voice == Some(true), format_args!("{path}.voice"), "it has no voice notes")?;
    let why = "it has no named credentials for links";
    translation.lose_if(media.provider.is_some(), format_args!("{path}.provider"), why)?;
    let mut object = Object::new();
    object.put(link, address.as_str());
    object.put_some("caption", &media.caption);
    object.put_some("filename", &media.filename);
    translation.extra(&media.extra, path, &mut object.0);
    Ok(object.into())
}

fn encode_whole_template(
    template: &Template,
    surface: &Surface,
    translation: &mut Translation<'_>,
) -> Result<Value, Fault> {
    let mut object = encode_template(template, &FORMS, translation)?;
    if surface.plain {
        // The one policy that is left says what is so anyway; unknown members of foreign families are noted already.
        object.put("language", template.language.as_str());
        if translation.keeps_members() {
            translation.leave_out(&template.language_extra, "template.language");
        }
    }
    // Neither surface needs a namespace: it is repeated only for the family's own clients.
    if let Some(namespace) = template.namespace.as_ref().filter(|_| translation.keeps_members()) {
        object.put("namespace", namespace.as_str());
    }
    Ok(object.into())
}

impl Surface {
    /// The member that holds a file's address.
    fn link(&self) -> &'static str {
        let [link, _] = self.links;
        link
    }
}
