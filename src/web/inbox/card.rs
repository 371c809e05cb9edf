//! What a message says, made ready to be shown: a card for each kind of content, whoever sent it.

use askama::Template;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use super::markup::{self, clip};
use crate::model::{
    self, Action, Contact, Content, HeaderContent, InboundContent, InboundMedia, Interactive, Location, Media,
    MediaKind, MediaSource, ParameterValue, Reaction,
};
use crate::upstream::{Filled, FilledHeader, KeptFile, Pressable, TemplateText, fill};

/// Characters of small texts that are shown.
const SHORT: usize = 300;
/// Entries of a list that are shown.
const MOST: usize = 30;

/// Where the bytes of a file are, as far as the sandbox has them.
pub trait Shelf {
    /// What the file of that id is, and whether its bytes are there.
    fn look(&self, id: &str) -> Option<(KeptFile, bool)>;
    /// The text of a template.
    fn text(&self, template: &model::Template) -> Option<std::sync::Arc<TemplateText>>;
}

/// What stands in a bubble.
pub enum Card {
    /// Text as HTML, and whether it is shown large.
    Text(String, bool),
    /// A file with the text beside it.
    File(File, Option<String>),
    /// A place.
    Place(Place),
    /// Contact cards.
    People(Vec<Individual>),
    /// What can be pressed, or is filled in.
    Sheet(Box<Sheet>),
    /// An emoji on a message that is not here.
    Emoji(String),
    /// Something else: what it is, and how it came.
    Other(String, String),
}

/// A file.
#[derive(Template)]
#[template(path = "inbox/file.html")]
pub struct File {
    /// As what it is shown.
    pub kind: MediaKind,
    /// Where its bytes are.
    pub src: Option<String>,
    /// Where it is, where that is elsewhere: shown, never fetched.
    pub link: Option<String>,
    /// Its name.
    pub name: String,
    /// Its size and type.
    pub facts: String,
    /// Whether it is a voice note.
    pub is_voice: bool,
}

/// A place.
#[derive(Template)]
#[template(path = "inbox/place.html")]
pub struct Place {
    /// Its name.
    pub name: Option<String>,
    /// Its address.
    pub address: Option<String>,
    /// Its coordinates.
    pub at: String,
    /// A map that shows it.
    pub map: String,
}

/// Somebody's card.
pub struct Individual {
    /// The name.
    pub name: String,
    /// Numbers, addresses and so on.
    pub details: Vec<String>,
}

/// A message with a head, a foot, and what can be pressed.
#[derive(Default)]
pub struct Sheet {
    /// What it is, where it does not show.
    pub label: Option<String>,
    /// Above the body: HTML.
    pub title: Option<String>,
    /// Above the body: a file.
    pub file: Option<File>,
    /// Above the body: a place.
    pub place: Option<Place>,
    /// The body as HTML.
    pub body: Option<String>,
    /// Placeholders and their values.
    pub values: Vec<(String, String)>,
    /// Products and cards of a carousel.
    pub items: Vec<Item>,
    /// The small print.
    pub footer: Option<String>,
    /// Links.
    pub links: Vec<(String, String)>,
    /// What can be pressed.
    pub buttons: Vec<Pressable>,
    /// What can be chosen: the button that opens it, and the sections with their rows.
    pub list: Option<(String, Vec<Choices>)>,
    /// What can be pressed on a phone and not here.
    pub inert: Vec<String>,
}

/// A section of a list: its title, and what can be chosen in it.
pub type Choices = (String, Vec<Pressable>);

/// A product, or a card of a carousel.
pub struct Item {
    /// What it is.
    pub title: String,
    /// What is known of it.
    pub details: Vec<String>,
}

impl Card {
    /// What the business sent.
    pub fn sent(content: &Content, pressables: Vec<Pressable>, shelf: &dyn Shelf) -> Self {
        match content {
            Content::Text(text) => text_card(&text.body),
            Content::Media(media) => Self::File(sent_file(media, shelf), media.caption.as_deref().map(markup::html)),
            Content::Location(location) => Self::Place(place(location)),
            Content::Contacts(contacts) => Self::People(contacts.iter().take(MOST).map(individual).collect()),
            Content::Interactive(interactive) => {
                Self::Sheet(Box::new(interactive_sheet(interactive, pressables, shelf)))
            }
            Content::Template(template) => Self::Sheet(Box::new(template_sheet(template, pressables, shelf))),
            Content::Reaction(reaction) => emoji_card(reaction),
        }
    }

    /// What a person wrote.
    pub fn written(content: &InboundContent, shelf: &dyn Shelf) -> Self {
        match content {
            InboundContent::Text(text) => text_card(&text.body),
            InboundContent::Media(media) => {
                Self::File(written_file(media, shelf), media.caption.as_deref().map(markup::html))
            }
            InboundContent::Location(shared) => Self::Place(place(&shared.location)),
            InboundContent::Contacts(cards) => Self::People(cards.iter().take(MOST).map(vcard).collect()),
            InboundContent::ListReply(reply) => {
                let description = reply.description.iter().map(|text| format!("\n{text}"));
                Self::Text(markup::html(&(reply.title.clone() + &description.collect::<String>())), false)
            }
            InboundContent::Reaction(reaction) => emoji_card(reaction),
            InboundContent::FlowReply(reply) => {
                Self::Other("Form".to_owned(), clip(&reply.response_json, SHORT).into())
            }
            InboundContent::Order(order) => Self::Other("Order".to_owned(), json(&order.items)),
            other => match other.words() {
                Some(words) => Self::Text(markup::html(words), false),
                None => Self::Other(other.kind().as_str().to_owned(), json(other)),
            },
        }
    }
}

impl File {
    /// In a word.
    pub fn word(&self) -> &'static str {
        if self.is_voice { "Voice note" } else { kind_word(self.kind) }
    }

    /// Two or three letters for it.
    pub fn sign(&self) -> String {
        let ending = self.name.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| ending.len() < 5);
        ending.unwrap_or(self.kind.as_str()).chars().take(4).collect::<String>().to_uppercase()
    }

    /// Where a press leads: to its bytes, else to its link.
    pub fn href(&self) -> Option<&String> {
        self.src.as_ref().or(self.link.as_ref())
    }
}

fn text_card(text: &str) -> Card {
    Card::Text(markup::html(text), markup::is_large(text))
}

fn emoji_card(reaction: &Reaction) -> Card {
    let emoji = if reaction.emoji.is_empty() { "took a reaction back" } else { &reaction.emoji };
    Card::Emoji(clip(emoji, SHORT).into_owned())
}

fn short(text: &str) -> String {
    clip(text, SHORT).into_owned()
}

fn json(value: &impl serde::Serialize) -> String {
    clip(&serde_json::to_string_pretty(value).unwrap_or_default(), 2 * SHORT).into_owned()
}

fn sent_file(media: &Media, shelf: &dyn Shelf) -> File {
    let (id, link) = match &media.source {
        MediaSource::Id(id) => (Some(id.as_str()), None),
        MediaSource::Link(link) => (None, Some(link.as_str())),
    };
    let voice = media.voice == Some(true);
    file(media.kind, id, link, media.filename.as_deref(), voice, shelf)
}

fn written_file(media: &InboundMedia, shelf: &dyn Shelf) -> File {
    file(media.kind, media.id.as_deref(), media.link.as_deref(), media.filename.as_deref(), media.is_voice(), shelf)
}

fn file(
    kind: MediaKind,
    id: Option<&str>,
    link: Option<&str>,
    name: Option<&str>,
    is_voice: bool,
    shelf: &dyn Shelf,
) -> File {
    let known = id.and_then(|id| shelf.look(id));
    let src = id.filter(|_| known.as_ref().is_some_and(|(_, is_there)| *is_there));
    let src = src.map(|id| format!("/sandbox/files/{}", utf8_percent_encode(id, NON_ALPHANUMERIC)));
    let known = known.map(|(file, _)| file);
    let own_name = known.as_ref().and_then(|file| file.filename.as_deref());
    let name = name.or(own_name).map_or_else(|| kind.as_str().to_owned(), short);
    let facts = match (&known, link) {
        (Some(file), _) if src.is_some() => format!("{} · {}", size(file.size), file.mime_type),
        (Some(file), _) => format!("{} · {} · its bytes are not kept any more", size(file.size), file.mime_type),
        (None, Some(_)) => "behind a link, which the sandbox does not fetch".to_owned(),
        (None, None) => "the sandbox has no file of this id".to_owned(),
    };
    File { kind, src, link: link.and_then(web_link), name, facts, is_voice }
}

/// Only what a browser opens as a page of the web.
fn web_link(link: &str) -> Option<String> {
    ["https://", "http://"].iter().any(|scheme| link.starts_with(scheme)).then(|| clip(link, 2000).into_owned())
}

fn size(bytes: u64) -> String {
    bytesize::ByteSize(bytes).display().si().to_string()
}

fn place(location: &Location) -> Place {
    let Location { latitude, longitude, .. } = location;
    Place {
        name: location.name.as_deref().map(short),
        address: location.address.as_deref().map(short),
        at: format!("{latitude:.5}, {longitude:.5}"),
        map: format!("https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}#map=16/{latitude}/{longitude}"),
    }
}

fn individual(contact: &Contact) -> Individual {
    Individual { name: short(&contact.formatted_name), details: details(&contact.details) }
}

fn vcard(card: &Value) -> Individual {
    let name = card.pointer("/name/formatted_name").and_then(Value::as_str).unwrap_or("Contact");
    Individual { name: short(name), details: card.as_object().map(details).unwrap_or_default() }
}

/// What people look for on a card: numbers, addresses, the company.
fn details(card: &Map<String, Value>) -> Vec<String> {
    let all = [("phones", "phone"), ("emails", "email"), ("urls", "url")].into_iter().flat_map(|(list, member)| {
        let entries = card.get(list).and_then(Value::as_array).into_iter().flatten();
        entries.filter_map(move |entry| entry.get(member)?.as_str())
    });
    let company = card.get("org").and_then(|org| org.get("company")?.as_str());
    company.into_iter().chain(all).take(6).map(short).collect()
}

fn interactive_sheet(interactive: &Interactive, pressables: Vec<Pressable>, shelf: &dyn Shelf) -> Sheet {
    let mut sheet = Sheet {
        body: interactive.body.as_ref().map(|body| markup::html(&body.text)),
        footer: interactive.footer.as_ref().map(|footer| short(&footer.text)),
        ..Sheet::default()
    };
    match interactive.header.as_ref().map(|header| &header.content) {
        Some(HeaderContent::Text(text)) => sheet.title = Some(markup::html(text)),
        Some(HeaderContent::Media(media)) => sheet.file = Some(sent_file(media, shelf)),
        Some(HeaderContent::Other(kind)) => sheet.label = Some(format!("header of the kind {}", short(kind))),
        None => {}
    }
    match &interactive.action {
        Action::Buttons(_) => sheet.buttons = pressables,
        Action::List { button, sections } => {
            let mut rows = pressables.into_iter();
            let sections = sections.iter().map(|section| {
                (
                    section.title.as_deref().map(short).unwrap_or_default(),
                    rows.by_ref().take(section.rows.len()).collect(),
                )
            });
            sheet.list = Some((short(button), sections.collect()));
        }
        Action::Product { catalog_id, product_retailer_id } => {
            sheet.items = vec![product(product_retailer_id, catalog_id)];
            sheet.inert = vec!["View item".to_owned()];
        }
        Action::ProductList { catalog_id, sections } => {
            let items = sections.iter().flat_map(|section| &section.products);
            sheet.items = items.take(MOST).map(|item| product(&item.product_retailer_id, catalog_id)).collect();
            sheet.inert = vec!["View items".to_owned()];
        }
        Action::Named { kind, action } => named(kind, action, pressables, &mut sheet),
    }
    sheet
}

fn product(id: &str, catalogue: &str) -> Item {
    Item { title: short(id), details: vec![format!("catalogue {}", short(catalogue))] }
}

/// What has a name and parameters: links and flows are known, of the rest the name is shown.
fn named(kind: &str, action: &Map<String, Value>, pressables: Vec<Pressable>, sheet: &mut Sheet) {
    let parameters = action.get("parameters").and_then(Value::as_object);
    let text = |name: &str| parameters.and_then(|parameters| parameters.get(name)?.as_str());
    match (kind, text("url").and_then(web_link)) {
        ("cta_url", Some(url)) => sheet.links = vec![(short(text("display_text").unwrap_or("Open")), url)],
        ("flow", _) => sheet.buttons = pressables,
        ("location_request_message", _) => sheet.inert = vec!["Send location".to_owned()],
        ("catalog_message", _) => sheet.inert = vec!["View catalogue".to_owned()],
        _ => {
            sheet.label = Some(kind.replace('_', " "));
            sheet.items = cards(action);
        }
    }
}

fn template_sheet(template: &model::Template, pressables: Vec<Pressable>, shelf: &dyn Shelf) -> Sheet {
    let text = shelf.text(template);
    let Filled { header, body, values, footer, buttons } = fill(template, text.as_deref());
    let mut sheet = Sheet {
        label: Some(format!("template {} · {}", short(&template.name), short(&template.language))),
        body: body.as_deref().map(markup::html),
        values: values.iter().take(MOST).map(|(name, value)| (short(name), short(value))).collect(),
        footer: footer.as_deref().map(short),
        buttons: pressables,
        items: template.components.iter().flat_map(|component| cards(&component.extra.0)).take(MOST).collect(),
        ..Sheet::default()
    };
    match header {
        Some(FilledHeader::Text(text)) => sheet.title = Some(markup::html(&text)),
        Some(FilledHeader::Value(value)) => match *value {
            ParameterValue::Media(media) => sheet.file = Some(sent_file(&media, shelf)),
            ParameterValue::Other { members, .. } => sheet.place = place_in(&members),
            ParameterValue::Text(_) | ParameterValue::Payload(_) => {}
        },
        Some(FilledHeader::Missing(kind)) => sheet.file = Some(file(kind, None, None, None, false, shelf)),
        None => {}
    }
    for button in buttons.into_iter().filter(|button| button.kind != "quick_reply") {
        match button.value.as_deref().and_then(web_link) {
            Some(url) => sheet.links.push((short(&button.label), url)),
            None => {
                let value = button.value.map(|value| format!(" · {value}")).unwrap_or_default();
                sheet.inert.push(short(&(button.label + &value)));
            }
        }
    }
    sheet
}

fn place_in(members: &Map<String, Value>) -> Option<Place> {
    let location = members.get("location")?;
    let degrees = |name| match location.get(name)? {
        Value::String(text) => text.parse().ok(),
        value => value.as_f64(),
    };
    let text = |name| location.get(name).and_then(Value::as_str).map(str::to_owned);
    let (latitude, longitude) = (degrees("latitude")?, degrees("longitude")?);
    let (name, address, extra) = (text("name"), text("address"), crate::model::Extra::default());
    Some(place(&Location { latitude, longitude, name, address, extra }))
}

/// The cards of a carousel, which the model keeps as they came: of each every text in it.
fn cards(members: &Map<String, Value>) -> Vec<Item> {
    let cards = members.get("cards").and_then(Value::as_array).into_iter().flatten().take(MOST);
    let item = |(at, card): (usize, &Value)| {
        let mut details = Vec::new();
        texts(card, &mut details);
        Item { title: format!("Card {}", at + 1), details }
    };
    cards.enumerate().map(item).collect()
}

fn texts(value: &Value, found: &mut Vec<String>) {
    const SHOWN: [&str; 6] = ["text", "link", "id", "payload", "display_text", "product_retailer_id"];
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value {
                    Value::String(text) if SHOWN.contains(&name.as_str()) => found.push(short(text)),
                    value => texts(value, found),
                }
            }
        }
        Value::Array(entries) => entries.iter().for_each(|entry| texts(entry, found)),
        _ => {}
    }
    found.truncate(MOST);
}

fn kind_word(kind: MediaKind) -> &'static str {
    match kind {
        MediaKind::Image => "Image",
        MediaKind::Audio => "Sound",
        MediaKind::Video => "Film",
        MediaKind::Document => "Document",
        MediaKind::Sticker => "Sticker",
    }
}
