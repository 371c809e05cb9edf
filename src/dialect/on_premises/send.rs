//! The send request. Vendor pages (archived): on-premises/reference/messages, guides/mark-as-read.

use bytes::Bytes;
use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;

use super::template;
use crate::dialect::reader::{ANY_LENGTH, Members, kind_of};
use crate::dialect::shapes::{
    self, Forms, MAX_TEXT, Object, decode_contacts, decode_interactive, decode_location, decode_quote, decode_reaction,
    decode_user, encode_contacts, encode_interactive, encode_location, encode_quote, encode_reaction,
};
use crate::dialect::{Call, Decoded, Target, Translation, request};
use crate::model::{
    Action, Content, Extra, Fault, FaultKind, Interactive, Media, MediaKind, MediaSource, Message, PhoneNumber,
    Provider, ReadMark, Recipient, RecipientAddress, References, Request, Text, Warning,
};

const MESSAGES: &str = "/v1/messages";

pub const FORMS: Forms = Forms {
    read_media: decode_media,
    write_media: encode_media,
    max_list_body: 1024,
    interactive_kinds: Some(&["button", "list", "product", "product_list"]),
};

const KINDS: &str =
    "text, image, audio, video, document, sticker, location, contacts, interactive, template, hsm, reaction";

pub fn decode(call: Call) -> Result<Decoded<Request>, Fault> {
    let marked = call.path.strip_prefix(MESSAGES).and_then(|rest| rest.strip_prefix('/')).map(unescaped);
    let body = Members::of_body(call.body)?;
    let mut warnings = Vec::new();
    let value = match marked {
        Some(message_id) => Request::Read(decode_read_mark(message_id, body)?),
        None => Request::Send(decode_message(body, &mut warnings)?),
    };
    Ok(Decoded { value, warnings })
}

/// The id stands in the path, where clients escape what an address cannot hold.
fn unescaped(segment: &str) -> String {
    percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

fn decode_read_mark(message_id: String, mut body: Members) -> Result<ReadMark, Fault> {
    body.ignore(&["messaging_product"]);
    if body.text("status", ANY_LENGTH)? != "read" {
        return Err(Fault::invalid("status", "is not one that a client can set; give \"read\""));
    }
    Ok(ReadMark { sender: None, message_id, typing: None, extra: body.rest() })
}

fn decode_message(mut body: Members, warnings: &mut Vec<Warning>) -> Result<Message, Fault> {
    // Members of the Cloud API and of groups long gone, which migrated clients send: they mean nothing here.
    body.ignore(&["messaging_product", "biz_opaque_callback_data", "render_mentions"]);
    let recipient = decode_recipient(&mut body, warnings)?;
    let content = decode_content(&mut body, warnings)?;
    let reply_to = decode_quote(&mut body)?;
    Ok(Message {
        sender: None,
        recipient,
        content,
        reply_to,
        references: References::default(),
        callbacks: Vec::new(),
        ttl_seconds: decode_ttl(&mut body, warnings)?,
        identity_key_hash: None,
        extra: body.rest(),
        envelope_extra: Extra::default(),
    })
}

/// `to` wins over Turn's `recipient` where both are there.
fn decode_recipient(body: &mut Members, warnings: &mut Vec<Warning>) -> Result<Recipient, Fault> {
    let group = match body.optional_text("recipient_type", ANY_LENGTH)?.as_deref() {
        None | Some("individual") => false,
        Some("group") => true,
        Some(_) => return Err(Fault::invalid("recipient_type", "is unknown; give \"individual\" or \"group\"")),
    };
    let user = body.optional_text("recipient", ANY_LENGTH)?.filter(|user| !user.is_empty());
    let input = match (body.optional_text("to", ANY_LENGTH)?.filter(|to| !to.is_empty()), user) {
        (Some(to), _) if group => return Ok(Recipient { address: RecipientAddress::Group(to.clone()), input: to }),
        (Some(to), _) => to,
        (None, _) if group => return Err(Fault::missing("to", "give the group's id")),
        (None, Some(user)) => return decode_user(user),
        (None, None) => return Err(Fault::missing("to", "give the recipient's number with its country code")),
    };
    if RecipientAddress::looks_like_user(&input) {
        warnings.push(Warning::new("to", "is a business-scoped user id and no number: read as `recipient`"));
        return Ok(Recipient { address: RecipientAddress::User(input.clone()), input });
    }
    match PhoneNumber::parse(&input) {
        Ok(number) => Ok(Recipient { address: RecipientAddress::Phone(number), input }),
        Err(why) => Err(Fault::at(FaultKind::InvalidRecipient, "to", why)),
    }
}

/// Clients send seconds. The reference calls it an object and does not say what is in it.
fn decode_ttl(body: &mut Members, warnings: &mut Vec<Warning>) -> Result<Option<u64>, Fault> {
    let Some(value) = body.take("ttl") else { return Ok(None) };
    let seconds = match &value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Object(_) => {
            let text = "is an object, whose form is documented nowhere: left out; give whole seconds";
            warnings.push(Warning::new("ttl", text));
            return Ok(None);
        }
        _ => None,
    };
    let wrong = || Fault::invalid("ttl", format_args!("is {}; give whole seconds", kind_of(&value)));
    seconds.map(Some).ok_or_else(wrong)
}

fn decode_content(body: &mut Members, warnings: &mut Vec<Warning>) -> Result<Content, Fault> {
    let preview_url = body.optional_flag("preview_url")?;
    let kind = decode_kind(body)?;
    if let Some(kind) = MediaKind::named(&kind) {
        let media = body.object(kind.as_str())?;
        return decode_media(kind, media, warnings).map(Content::Media);
    }
    Ok(match kind.as_str() {
        "text" => Content::Text(decode_text(body.object("text")?, preview_url)?),
        "location" => Content::Location(decode_location(body.object("location")?)?),
        // The reference's own misprint, and SandeshLive's.
        "contacts" | "contact" => {
            body.alias("contact", "contacts")?;
            Content::Contacts(decode_contacts(body)?)
        }
        "interactive" => Content::Interactive(decode_pressable(body.object("interactive")?, warnings)?),
        "template" => Content::Template(template::decode(body.object("template")?, warnings)?),
        "hsm" => Content::Template(template::decode_hsm(body.object("hsm")?, warnings)?),
        "reaction" => Content::Reaction(decode_reaction(body.object("reaction")?)?),
        _ => {
            let what = format_args!("is not a kind of message; give one of {KINDS}");
            return Err(Fault::at(FaultKind::UnsupportedKind, "type", what));
        }
    })
}

/// Only a text goes without its kind.
fn decode_kind(body: &mut Members) -> Result<String, Fault> {
    match body.optional_text("type", ANY_LENGTH)? {
        Some(kind) => Ok(kind.to_ascii_lowercase()),
        None if body.has("text") => Ok("text".to_owned()),
        None => Err(Fault::missing("type", format_args!("give one of {KINDS}"))),
    }
}

/// `preview_url` stands beside the text here and inside it in the Cloud API, from where migrated clients bring it:
/// the place of this dialect wins.
fn decode_text(mut text: Members, beside: Option<bool>) -> Result<Text, Fault> {
    let inside = text.optional_flag("preview_url")?;
    Ok(Text { body: text.text("body", MAX_TEXT)?, preview_url: beside.or(inside), extra: text.rest() })
}

fn decode_pressable(members: Members, warnings: &mut Vec<Warning>) -> Result<Interactive, Fault> {
    let interactive = decode_interactive(members, &FORMS, warnings)?;
    match (&interactive.action, &interactive.header) {
        (Action::Product { .. }, Some(_)) => {
            Err(Fault::invalid("interactive.header", "stands beside one product, which has none; leave it out"))
        }
        (Action::ProductList { .. }, None) => {
            Err(Fault::missing("interactive.header", "give a text header, which a product list needs"))
        }
        _ => Ok(interactive),
    }
}

/// A media object, whose credential is named in `provider` or, as older clients write it, before the link:
/// `erp-store/https://…`.
fn decode_media(kind: MediaKind, mut members: Members, warnings: &mut Vec<Warning>) -> Result<Media, Fault> {
    let named = decode_provider(&mut members)?;
    let provider_path = members.path("provider");
    let path = members.own_path().to_owned();
    let mut object = members.rest().0;
    let prefix = object.get_mut("link").and_then(split_provider);
    if named.as_ref().zip(prefix.as_ref()).is_some_and(|(named, prefix)| named.name != prefix.name) {
        return Err(Fault::invalid(provider_path, "is another than the link begins with; give one of them"));
    }
    let media = shapes::decode_media(kind, Members::of(path, object.into())?, warnings)?;
    Ok(Media { provider: named.or(prefix), ..media })
}

fn decode_provider(media: &mut Members) -> Result<Option<Provider>, Fault> {
    let path = media.path("provider");
    match media.take("provider") {
        None => Ok(None),
        Some(Value::String(name)) if !name.trim_start().starts_with('{') => Ok(Some(Provider::named(name))),
        Some(provider) => {
            let mut provider = Members::of(path, provider)?;
            Ok(Some(Provider { name: provider.text("name", ANY_LENGTH)?, extra: provider.rest() }))
        }
    }
}

fn split_provider(link: &mut Value) -> Option<Provider> {
    let (provider, address) = split(link.as_str()?)?;
    let (provider, address) = (Provider::named(provider), address.to_owned());
    *link = address.into();
    Some(provider)
}

fn split(link: &str) -> Option<(&str, &str)> {
    let (provider, address) = link.split_once('/')?;
    let is_address = address.starts_with("https://") || address.starts_with("http://");
    (!provider.is_empty() && is_address && !provider.contains(':')).then_some((provider, address))
}

/// Whether a link begins with the name of a credential, which no other dialect writes.
pub fn begins_with_provider(link: &str) -> bool {
    split(link).is_some()
}

pub fn encode(
    send: &Request,
    target: &Target<'_>,
    translation: &mut Translation<'_>,
) -> Result<http::Request<Bytes>, Fault> {
    match send {
        Request::Send(message) => {
            request(Method::POST, MESSAGES, &encode_message(message, target, translation)?.into())
        }
        Request::Read(mark) => {
            let path = format!("{MESSAGES}/{}", escaped(&mark.message_id));
            request(Method::PUT, &path, &encode_read_mark(mark, translation)?.into())
        }
        Request::Relay(relay) => {
            let why = format_args!("it carries WhatsApp only, not {}", relay.channel);
            Err(translation.refuse(FaultKind::UnsupportedKind, "channel", why))
        }
    }
}

/// Ids may hold `/`, `+` and `=`, which a path segment cannot hold as they are.
fn escaped(id: &str) -> impl std::fmt::Display {
    const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(id, ESCAPED)
}

fn encode_read_mark(mark: &ReadMark, translation: &mut Translation<'_>) -> Result<Object, Fault> {
    translation.lose_if(mark.typing.is_some(), "typing_indicator", "it has read marks only")?;
    let mut body = Object::new();
    body.put("status", "read");
    translation.extra(&mark.extra, "", &mut body.0);
    Ok(body)
}

/// The sender is implied by the host and the credential, and the client's references stay on the transaction.
fn encode_message(message: &Message, target: &Target<'_>, translation: &mut Translation<'_>) -> Result<Object, Fault> {
    let mut body = Object::new();
    encode_recipient(&message.recipient.address, &mut body);
    let kind = message.content.kind().as_str();
    body.put("type", kind);
    body.put(kind, encode_content(&message.content, target, translation)?);
    if let Content::Text(text) = &message.content {
        body.put_some("preview_url", &text.preview_url);
    }
    encode_quote(message.reply_to.as_ref(), translation, &mut body);
    body.put_some("ttl", &message.ttl_seconds);
    let why = "it delivers whatever the recipient's key";
    translation.lose_if(message.identity_key_hash.is_some(), "recipient_identity_key_hash", why)?;
    translation.extra(&message.extra, "", &mut body.0);
    Ok(body)
}

/// Only Turn knows user ids, in `recipient`. Another server misses `to` and says so, and nothing went out.
fn encode_recipient(address: &RecipientAddress, body: &mut Object) {
    let (kind, member, value) = match address {
        RecipientAddress::Phone(number) => ("individual", "to", number.digits()),
        RecipientAddress::User(user) => ("individual", "recipient", user.as_str()),
        RecipientAddress::Group(group) => ("group", "to", group.as_str()),
    };
    body.put("recipient_type", kind);
    body.put(member, value);
}

fn encode_content(content: &Content, target: &Target<'_>, translation: &mut Translation<'_>) -> Result<Value, Fault> {
    Ok(match content {
        Content::Text(text) => {
            let mut object = Object::new();
            object.put("body", text.body.as_str());
            translation.extra(&text.extra, "text", &mut object.0);
            object.into()
        }
        Content::Media(media) => encode_media(media, media.kind.as_str(), translation)?,
        Content::Location(location) => encode_location(location, "location", translation),
        Content::Contacts(contacts) => encode_contacts(contacts),
        Content::Interactive(interactive) => encode_interactive(interactive, &FORMS, translation)?,
        Content::Template(template) => template::encode(template, target, translation)?.into(),
        Content::Reaction(reaction) => encode_reaction(reaction, "reaction", translation),
    })
}

fn encode_media(media: &Media, path: &str, translation: &mut Translation<'_>) -> Result<Value, Fault> {
    let why = "it shows every recording as a file";
    translation.lose_if(media.voice == Some(true), format_args!("{path}.voice"), why)?;
    let mut object = Object::new();
    match &media.source {
        MediaSource::Id(id) => object.put("id", id.as_str()),
        MediaSource::Link(link) => object.put("link", link.as_str()),
    }
    object.put_some("caption", &media.caption);
    object.put_some("filename", &media.filename);
    if let Some(provider) = &media.provider {
        object.put("provider", encode_provider(provider, path, translation));
    }
    translation.extra(&media.extra, path, &mut object.0);
    Ok(object.into())
}

fn encode_provider(provider: &Provider, path: &str, translation: &mut Translation<'_>) -> Value {
    let mut object = Object::new();
    object.put("name", provider.name.as_str());
    translation.extra(&provider.extra, format_args!("{path}.provider"), &mut object.0);
    object.into()
}
