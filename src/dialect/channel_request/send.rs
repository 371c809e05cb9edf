//! The send request. Vendor pages: text-message, media-message, contacts-message, interactive-message.

use bytes::Bytes;
use http::Method;
use serde_json::{Map, Value};

use super::callbacks;
use crate::dialect::reader::{ANY_LENGTH, Members, kind_of};
use crate::dialect::shapes::{
    Forms, MAX_CAPTION, Object, check_link, decode_contacts, decode_interactive, decode_location, decode_media,
    decode_template, encode_contacts, encode_interactive, encode_location, encode_media, encode_template,
};
use crate::dialect::{Call, Decoded, Target, Translation, request};
use crate::model::{
    Channel, Content, Extra, Fault, FaultKind, Location, Media, MediaKind, MediaSource, Message, PhoneNumber, Quote,
    Recipient, RecipientAddress, References, Relay, Request, Template, Text, Warning,
};

/// Longest text. WhatsApp takes 4096 characters, the vendor's text page 1024: who calls this dialect is told what
/// the vendor's own server would tell, and who is forwarded in it is not cut off there.
const MAX_MESSAGE: usize = 1024;
/// Longest id of an addressee; the vendor states none, and it is repeated in every status.
const MAX_CLIENT_ID: usize = 256;
/// Longest id of a message that passes without a warning.
const MAX_EXTERNAL_ID: usize = 128;

const FORMS: Forms = Forms {
    read_media: decode_linked,
    write_media: encode_linked,
    max_list_body: 1024,
    interactive_kinds: Some(&["button", "list"]),
};

const KINDS: &str = "text, image, audio, video, document, contacts, location, interactive, template";

pub fn decode(call: Call) -> Result<Decoded<Request>, Fault> {
    let mut envelope = Members::of_body(call.body)?;
    let channel = envelope.text("channel", ANY_LENGTH)?;
    let channel = channel.trim().parse().map_err(|error| Fault::invalid("channel", format_args!("is {error}")))?;
    let request = envelope.object("request")?;
    let mut warnings = Vec::new();
    let value = match channel {
        Channel::Whatsapp => Request::Send(decode_message(envelope, request, &mut warnings)?),
        channel => Request::Relay(decode_relay(channel, envelope, request)?),
    };
    Ok(Decoded { value, warnings })
}

/// Other channels have members of their own: all of `request` stays as it came.
fn decode_relay(channel: Channel, mut envelope: Members, request: Members) -> Result<Relay, Fault> {
    let callbacks = callbacks::read(&mut envelope)?;
    let body = request.rest().0;
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
    let references = References { client_id: text("clientId"), external_id: text("externalId"), opaque: None };
    Ok(Relay { channel, body, references, callbacks, extra: envelope.rest() })
}

fn decode_message(mut envelope: Members, mut request: Members, warnings: &mut Vec<Warning>) -> Result<Message, Fault> {
    Ok(Message {
        sender: Some(decode_sender(&mut request)?),
        recipient: decode_recipient(&mut request)?,
        content: decode_content(&mut request, warnings)?,
        reply_to: request.optional_text("replyTo", ANY_LENGTH)?.filter(|id| !id.is_empty()).map(Quote::of),
        references: decode_references(&mut request, warnings)?,
        callbacks: callbacks::decode(&mut envelope, &mut request, warnings)?,
        ttl_seconds: None,
        identity_key_hash: None,
        extra: request.rest(),
        envelope_extra: envelope.rest(),
    })
}

fn decode_sender(request: &mut Members) -> Result<String, Fault> {
    let from = decode_number(request, "from", "give the business number in digits")?;
    match PhoneNumber::parse(&from) {
        Ok(number) => Ok(number.digits().to_owned()),
        Err(why) => Err(Fault::invalid(request.path("from"), why)),
    }
}

fn decode_recipient(request: &mut Members) -> Result<Recipient, Fault> {
    let input = decode_number(request, "to", "give the recipient's number with its country code")?;
    match PhoneNumber::parse(&input) {
        Ok(number) => Ok(Recipient { address: RecipientAddress::Phone(number), input }),
        Err(why) => Err(Fault::at(FaultKind::InvalidRecipient, request.path("to"), why)),
    }
}

/// A telephone number as a text or a whole number. The decimal form of any other number would read as a different
/// telephone number.
fn decode_number(request: &mut Members, name: &str, remedy: &str) -> Result<String, Fault> {
    match request.require(name, remedy)? {
        Value::String(text) => Ok(text),
        Value::Number(number) if number.is_u64() => Ok(number.to_string()),
        Value::Number(_) => Err(Fault::invalid(request.path(name), "is no whole number; give a text of digits")),
        other => Err(Fault::invalid(request.path(name), format_args!("is {}; give one number", kind_of(&other)))),
    }
}

fn decode_references(request: &mut Members, warnings: &mut Vec<Warning>) -> Result<References, Fault> {
    let client_id = request.optional_text("clientId", MAX_CLIENT_ID)?;
    let external_id = request.optional_text("externalId", ANY_LENGTH)?;
    if external_id.as_deref().is_some_and(|id| !is_plain(id)) {
        let text = "is not the short alphanumeric id that the vendor asks for; its reports may not show it";
        warnings.push(Warning::new(request.path("externalId"), text));
    }
    Ok(References { client_id, external_id, opaque: None })
}

fn is_plain(id: &str) -> bool {
    id.len() <= MAX_EXTERNAL_ID && id.chars().all(|c| c.is_ascii_alphanumeric() || "._:-".contains(c))
}

fn decode_content(request: &mut Members, warnings: &mut Vec<Warning>) -> Result<Content, Fault> {
    let kind = decode_kind(request, warnings)?;
    if kind == "text" {
        let body = request.text("message", MAX_MESSAGE)?;
        return Ok(Content::Text(Text { body, preview_url: None, extra: Extra::default() }));
    }
    if let Some(kind) = MediaKind::named(&kind).filter(|kind| *kind != MediaKind::Sticker) {
        return decode_file(kind, request, warnings).map(Content::Media);
    }
    // The vendor's tables require it here too, where it has no meaning.
    request.ignore(&["message"]);
    Ok(match kind.as_str() {
        "contacts" => Content::Contacts(decode_contacts(request)?),
        "location" => Content::Location(decode_place(request)?),
        "interactive" => Content::Interactive(decode_interactive(request.object("interactive")?, &FORMS, warnings)?),
        "template" => Content::Template(decode_template(request.object("template")?, &FORMS, warnings)?),
        _ => {
            let what = format_args!("is not a kind of message; give one of {KINDS}");
            return Err(Fault::at(FaultKind::UnsupportedKind, request.path("type"), what));
        }
    })
}

/// The vendor's list of types lacks `template`, and its layout is not published: a template object alone makes a
/// template, and what only hints at the vendor's own layout is refused rather than guessed at.
fn decode_kind(request: &mut Members, warnings: &mut Vec<Warning>) -> Result<String, Fault> {
    let kind = request.optional_text("type", ANY_LENGTH)?.map(|kind| kind.trim().to_ascii_lowercase());
    if request.has("template") {
        if kind.as_deref().is_some_and(|kind| kind != "template") {
            let text = "names another kind beside a template object: read as a template";
            warnings.push(Warning::new(request.path("type"), text));
        }
        return Ok("template".to_owned());
    }
    let hints = ["templateName", "templateId", "templateNamespace"];
    let hint = hints.into_iter().find(|name| request.has(name));
    if let Some(hint) = hint.or_else(|| kind.as_deref().filter(|kind| *kind == "template").and(Some("type"))) {
        let what = "asks for a template in a layout that is not supported; give a template object as Meta's Cloud API \
                    has it, {\"name\", \"language\", \"components\"}, in request.template";
        return Err(Fault::at(FaultKind::UnsupportedKind, request.path(hint), what));
    }
    kind.ok_or_else(|| Fault::missing(request.path("type"), format_args!("give one of {KINDS}")))
}

/// A file: `message` is its address.
fn decode_file(kind: MediaKind, request: &mut Members, warnings: &mut Vec<Warning>) -> Result<Media, Fault> {
    let link = request.text("message", ANY_LENGTH)?;
    check_link(&request.path("message"), &link)?;
    let caption = request.optional_text("caption", MAX_CAPTION)?;
    if caption.is_some() && !kind.has_caption() {
        let text = format!("WhatsApp shows no caption beside {}: left out", kind.as_str());
        warnings.push(Warning::new(request.path("caption"), text));
    }
    Ok(Media {
        kind,
        source: MediaSource::Link(link),
        caption: caption.filter(|_| kind.has_caption()),
        filename: if kind == MediaKind::Document { decode_filename(request)? } else { None },
        voice: None,
        provider: None,
        extra: Extra::default(),
    })
}

/// Documents are PDF here, so a name without an extension gets that one.
fn decode_filename(request: &mut Members) -> Result<Option<String>, Fault> {
    request.alias("filename", "fileName")?;
    let name = request.optional_text("fileName", ANY_LENGTH)?.filter(|name| !name.trim().is_empty());
    Ok(name.map(|name| if has_extension(&name) { name } else { format!("{name}.pdf") }))
}

/// Whether a dot and a few letters or digits end the name; digits alone belong to a date or a number.
fn has_extension(name: &str) -> bool {
    let Some((_, last)) = name.rsplit_once('.') else { return false };
    (1..=5).contains(&last.len())
        && last.bytes().all(|b| b.is_ascii_alphanumeric())
        && last.bytes().any(|b| b.is_ascii_alphabetic())
}

/// A place in `location`, or its members directly under `request`.
fn decode_place(request: &mut Members) -> Result<Location, Fault> {
    if let Some(location) = request.optional_object("location")? {
        return decode_location(location);
    }
    if !request.has("latitude") && !request.has("longitude") {
        return Err(Fault::missing(request.path("location"), "give an object with latitude and longitude"));
    }
    let names = ["latitude", "longitude", "name", "address"];
    let members = names.into_iter().filter_map(|name| Some((name.to_owned(), request.take(name)?)));
    let members = members.collect::<Map<_, _>>();
    decode_location(Members::of(request.own_path(), members.into())?)
}

/// Inside headers and templates a file is Meta's object, with a link: there are no uploads that an id could name.
fn decode_linked(kind: MediaKind, members: Members, warnings: &mut Vec<Warning>) -> Result<Media, Fault> {
    let missing = Fault::missing(members.path("link"), "give the file's http or https address; ids mean nothing here");
    if !members.has("link") {
        return Err(missing);
    }
    let media = decode_media(kind, members, warnings)?;
    if matches!(media.source, MediaSource::Id(_)) { Err(missing) } else { Ok(media) }
}

pub fn encode(
    send: &Request,
    target: &Target<'_>,
    translation: &mut Translation<'_>,
) -> Result<http::Request<Bytes>, Fault> {
    let envelope = match send {
        Request::Send(message) => encode_message(message, target, translation)?,
        Request::Relay(relay) => encode_relay(relay, translation),
        Request::Read(_) => {
            return Err(translation.refuse(FaultKind::UnsupportedKind, "status", "it has no read marks"));
        }
    };
    request(Method::POST, "/notification", &envelope.into())
}

/// What becomes of a message on another channel the client is told by the provider itself: its words are not ours.
fn encode_relay(relay: &Relay, translation: &mut Translation<'_>) -> Object {
    let mut envelope = Object::new();
    envelope.put("channel", relay.channel.as_str());
    envelope.put("request", relay.body.clone());
    envelope.put_some("callbacks", &callbacks::encode(&relay.callbacks));
    translation.extra(&relay.extra, "", &mut envelope.0);
    envelope
}

fn encode_message(message: &Message, target: &Target<'_>, translation: &mut Translation<'_>) -> Result<Object, Fault> {
    let mut request = Object::new();
    request.put("from", encode_sender(message, target)?);
    request.put("to", encode_recipient(&message.recipient, translation)?);
    request.put("type", message.content.kind().as_str());
    encode_content(&message.content, target, translation, &mut request)?;
    encode_references(&message.references, target, &mut request);
    if let Some(quote) = &message.reply_to {
        request.put("replyTo", quote.message_id.as_str());
        translation.extra(&quote.extra, "context", &mut request.0);
    }
    translation.lose_if(message.ttl_seconds.is_some(), "ttl", "it has no time to live")?;
    let hash = message.identity_key_hash.is_some();
    translation.lose_if(hash, "recipient_identity_key_hash", "it checks no identity")?;
    translation.extra(&message.extra, "", &mut request.0);
    let mut envelope = Object::new();
    envelope.put("channel", Channel::Whatsapp.as_str());
    envelope.put("request", request);
    // The client's own stay with the gateway, which tells it in its own words, signed and with the ids that it knows.
    envelope.put_some("callbacks", &target.callback);
    translation.extra(&message.envelope_extra, "", &mut envelope.0);
    Ok(envelope)
}

/// The provider repeats both in every status: where the client leaves one free, the transaction's id goes along, and proves
/// which message a status belongs to even where the answer to the send got lost. The client hears its own again.
fn encode_references(given: &References, target: &Target<'_>, request: &mut Object) {
    let ours = target.correlation.map(|transaction| transaction.to_string());
    let [client_id, external_id] = [&given.client_id, &given.external_id].map(|id| id.clone().filter(|_| *id != ours));
    let (client_id, external_id) = match (client_id, external_id) {
        (None, external_id) => (ours, external_id),
        (client_id, None) => (client_id, ours),
        both => both,
    };
    request.put_some("clientId", &client_id);
    request.put_some("externalId", &external_id);
}

/// The upstream's own sender wins: the client's may be a number that the provider does not have.
fn encode_sender<'a>(message: &'a Message, target: &Target<'a>) -> Result<&'a str, Fault> {
    target.sender.or(message.sender.as_deref()).ok_or_else(|| {
        let member = "request.from";
        let detail = format!("{member}: neither client nor upstream names a sender; set `sender` of the upstream");
        Fault { member: Some(member.to_owned()), ..Fault::gateway(FaultKind::MissingMember, detail) }
    })
}

fn encode_recipient(recipient: &Recipient, translation: &Translation<'_>) -> Result<String, Fault> {
    let member = match &recipient.address {
        RecipientAddress::Phone(number) => return Ok(number.e164()),
        RecipientAddress::User(_) => "recipient",
        RecipientAddress::Group(_) => "to",
    };
    Err(translation.refuse(FaultKind::UnsupportedMember, member, "it reaches telephone numbers only"))
}

fn encode_content(
    content: &Content,
    target: &Target<'_>,
    translation: &mut Translation<'_>,
    request: &mut Object,
) -> Result<(), Fault> {
    // Where it has no meaning it is still required: people who read the vendor's reports find the message by it.
    request.put_some("message", &placeholder(content));
    match content {
        Content::Text(text) => encode_text(text, translation, request)?,
        Content::Media(media) => encode_file(media, translation, request)?,
        Content::Location(location) => request.put("location", encode_location(location, "location", translation)),
        Content::Contacts(contacts) => request.put("contacts", encode_contacts(contacts)),
        Content::Interactive(interactive) => {
            request.put("interactive", encode_interactive(interactive, &FORMS, translation)?);
        }
        Content::Template(template) => request.put("template", encode_filled(template, target, translation)?),
        Content::Reaction(_) => {
            return Err(translation.refuse(FaultKind::UnsupportedKind, "type", "it has no reactions"));
        }
    }
    Ok(())
}

/// What stands in `message` where the content is somewhere else.
fn placeholder(content: &Content) -> Option<String> {
    match content {
        Content::Text(_) | Content::Media(_) | Content::Reaction(_) => None,
        Content::Location(location) => Some(
            location
                .name
                .clone()
                .or_else(|| location.address.clone())
                .unwrap_or_else(|| format!("{},{}", location.latitude, location.longitude)),
        ),
        Content::Contacts(contacts) => contacts.first().map(|card| card.formatted_name.clone()),
        Content::Interactive(interactive) => interactive.body.as_ref().map(|body| body.text.clone()),
        Content::Template(template) => Some(template.name.clone()),
    }
}

fn encode_text(text: &Text, translation: &mut Translation<'_>, request: &mut Object) -> Result<(), Fault> {
    translation.within("text.body", &text.body, MAX_MESSAGE)?;
    translation.lose_if(text.preview_url == Some(true), "text.preview_url", "it cannot ask for a preview")?;
    request.put("message", text.body.as_str());
    translation.extra(&text.extra, "text", &mut request.0);
    Ok(())
}

/// A file. Captions are documented for images alone and written wherever WhatsApp shows them.
fn encode_file(media: &Media, translation: &mut Translation<'_>, request: &mut Object) -> Result<(), Fault> {
    let kind = media.kind.as_str();
    if media.kind == MediaKind::Sticker {
        return Err(translation.refuse(FaultKind::UnsupportedKind, "type", "it has no stickers"));
    }
    let link = link_of(media, kind, translation)?;
    translation.lose_if(media.voice == Some(true), format_args!("{kind}.voice"), "it has no voice notes")?;
    let why = "it has no named credentials for links";
    translation.lose_if(media.provider.is_some(), format_args!("{kind}.provider"), why)?;
    request.put("message", link);
    request.put_some("caption", &media.caption);
    request.put_some("fileName", &media.filename);
    translation.extra(&media.extra, kind, &mut request.0);
    Ok(())
}

fn link_of<'a>(media: &'a Media, path: &str, translation: &Translation<'_>) -> Result<&'a str, Fault> {
    match &media.source {
        MediaSource::Link(link) => Ok(link),
        MediaSource::Id(_) => {
            let why = "it has no uploads; give a link";
            Err(translation.refuse(FaultKind::UnsupportedMember, format_args!("{path}.id"), why))
        }
    }
}

/// A file inside a header or a template.
fn encode_linked(media: &Media, path: &str, translation: &mut Translation<'_>) -> Result<Value, Fault> {
    link_of(media, path, translation)?;
    encode_media(media, path, translation)
}

/// A template as Meta writes it, with the namespace that the vendor's older page still asks for.
fn encode_filled(template: &Template, target: &Target<'_>, translation: &mut Translation<'_>) -> Result<Object, Fault> {
    let mut object = encode_template(template, &FORMS, translation)?;
    if let Some(namespace) = template.namespace.as_deref().or(target.template_namespace) {
        object.put("namespace", namespace);
    }
    Ok(object)
}
