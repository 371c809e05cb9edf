//! The files that a request names, by link or by the id of an upload, wherever they stand in it.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use url::Url;

use super::{
    Action, Component, Content, HeaderContent, Interactive, Media, MediaKind, MediaSource, ParameterValue, Request,
    Template,
};

/// A file in a request. Another id can take the place of its link or id: an id means something only where the file was
/// uploaded.
#[derive(Debug)]
pub struct File<'a> {
    /// The object that names it, in the Cloud API's spelling: `image`, `interactive.header.video`.
    path: String,
    /// As what it is shown.
    pub kind: MediaKind,
    place: Place<'a>,
}

/// Where a file is named.
#[derive(Debug)]
enum Place<'a> {
    /// In an object that was parsed.
    Media(&'a mut Media),
    /// In JSON that nobody parsed.
    Json(&'a mut Map<String, Value>),
}

impl File<'_> {
    /// The member that names it: `image.link`.
    pub fn member(&self) -> String {
        let name = if matches!(self.source(), MediaSource::Id(_)) { "id" } else { "link" };
        format!("{}.{name}", self.path)
    }

    /// Its link or id.
    pub fn source(&self) -> MediaSource {
        match &self.place {
            Place::Media(media) => media.source.clone(),
            Place::Json(members) => source_in(members).unwrap_or(MediaSource::Id(String::new())),
        }
    }

    /// The name that the recipient of a document sees.
    pub fn filename(&self) -> Option<&str> {
        match &self.place {
            Place::Media(media) => media.filename.as_deref(),
            Place::Json(members) => members.get("filename").and_then(Value::as_str),
        }
    }

    /// The name that stands in the link of a document that has no other: its recipient sees it, as long as the link is
    /// what is sent.
    pub fn name_in_link(&self) -> Option<String> {
        let (MediaSource::Link(link), MediaKind::Document, None) = (self.source(), self.kind, self.filename()) else {
            return None;
        };
        let url = Url::parse(&link).ok()?;
        let last = url.path_segments()?.next_back().filter(|last| !last.is_empty())?;
        Some(percent_decode_str(last).decode_utf8_lossy().into_owned())
    }

    /// Whether audio is shown as a voice message.
    pub fn is_voice(&self) -> bool {
        matches!(&self.place, Place::Media(Media { voice: Some(true), .. }))
    }

    /// The name of the credential with which its link is fetched.
    pub fn provider(&self) -> Option<&str> {
        match &self.place {
            Place::Media(media) => media.provider.as_ref().map(|provider| provider.name.as_str()),
            Place::Json(members) => members.get("provider")?.get("name")?.as_str(),
        }
    }

    /// Names it by an id. With the link goes the credential for it.
    pub fn put_id(&mut self, id: String) {
        match &mut self.place {
            Place::Media(media) => {
                media.source = MediaSource::Id(id);
                media.provider = None;
            }
            Place::Json(members) => {
                members.shift_remove("link");
                members.shift_remove("provider");
                members.insert("id".to_owned(), Value::String(id));
            }
        }
    }

    /// Gives it another name for its recipient.
    pub fn rename(&mut self, name: String) {
        match &mut self.place {
            Place::Media(media) => media.filename = Some(name),
            Place::Json(members) => _ = members.insert("filename".to_owned(), Value::String(name)),
        }
    }
}

fn source_in(members: &Map<String, Value>) -> Option<MediaSource> {
    let text = |name| members.get(name).and_then(Value::as_str).map(str::to_owned);
    text("id").map(MediaSource::Id).or_else(|| text("link").map(MediaSource::Link))
}

impl Request {
    /// Whether it is of a kind that can have files.
    pub fn may_have_files(&self) -> bool {
        matches!(self, Self::Send(message)
            if matches!(message.content, Content::Media(_) | Content::Interactive(_) | Content::Template(_)))
    }

    /// Its files: of the content, of headers, of a template's parameters, and of the cards of carousels, which the model
    /// carries as they came.
    pub fn files(&mut self) -> Vec<File<'_>> {
        let Self::Send(message) = self else { return Vec::new() };
        match &mut message.content {
            Content::Media(media) => vec![of_media(media, "")],
            Content::Interactive(interactive) => of_interactive(interactive),
            Content::Template(template) => of_template(template),
            Content::Text(_) | Content::Location(_) | Content::Contacts(_) | Content::Reaction(_) => Vec::new(),
        }
    }
}

fn of_media<'a>(media: &'a mut Media, path: &str) -> File<'a> {
    File { path: format!("{path}{}", media.kind.as_str()), kind: media.kind, place: Place::Media(media) }
}

fn of_interactive(interactive: &mut Interactive) -> Vec<File<'_>> {
    let mut files = Vec::new();
    if let Some(HeaderContent::Media(media)) = interactive.header.as_mut().map(|header| &mut header.content) {
        files.push(of_media(media, "interactive.header."));
    }
    if let Action::Named { action, .. } = &mut interactive.action {
        files.extend(of_cards("interactive.action", action));
    }
    files
}

fn of_template(template: &mut Template) -> Vec<File<'_>> {
    let mut files = Vec::new();
    for (at, component) in template.components.iter_mut().enumerate() {
        of_component(&format!("template.components[{at}]"), component, &mut files);
    }
    files
}

fn of_component<'a>(path: &str, component: &'a mut Component, files: &mut Vec<File<'a>>) {
    for (at, parameter) in component.parameters.iter_mut().enumerate() {
        if let ParameterValue::Media(media) = &mut parameter.value {
            files.push(of_media(media, &format!("{path}.parameters[{at}].")));
        }
    }
    files.extend(of_cards(path, &mut component.extra.0));
}

/// The cards of a carousel. What other members hold is the client's own: a flow's data may look like a file and is none.
fn of_cards<'a>(path: &str, members: &'a mut Map<String, Value>) -> Vec<File<'a>> {
    let mut files = Vec::new();
    if let Some(cards) = members.get_mut("cards") {
        in_value(&format!("{path}.cards"), cards, &mut files);
    }
    files
}

/// Looks for `"image": {"id" or "link": …}` and its like in JSON that nobody parsed; requests are bounded in depth.
fn in_value<'a>(path: &str, value: &'a mut Value, files: &mut Vec<File<'a>>) {
    match value {
        Value::Array(entries) => {
            entries.iter_mut().enumerate().for_each(|(at, entry)| in_value(&format!("{path}[{at}]"), entry, files));
        }
        Value::Object(members) => {
            for (name, value) in members {
                let path = format!("{path}.{name}");
                match (MediaKind::named(name), value) {
                    (None, value) => in_value(&path, value, files),
                    (Some(kind), Value::Object(media)) if source_in(media).is_some() => {
                        files.push(File { path, kind, place: Place::Json(media) });
                    }
                    _ => {}
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A message with that content.
    fn message(content: Value) -> Request {
        let recipient = json!({ "address": { "phone": "447700900123" }, "input": "447700900123" });
        serde_json::from_value(json!({ "send": { "recipient": recipient, "content": content } })).unwrap()
    }

    fn found(content: Value) -> Vec<(String, String)> {
        message(content).files().into_iter().map(|file| (file.member(), address(&file))).collect()
    }

    fn address(file: &File<'_>) -> String {
        match file.source() {
            MediaSource::Id(address) | MediaSource::Link(address) => address,
        }
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.map(|(member, id)| (member.to_owned(), id.to_owned())).into()
    }

    #[test]
    fn the_content_itself() {
        assert_eq!(found(json!({ "media": { "kind": "image", "source": { "id": "1" } } })), pairs([("image.id", "1")]));
        let link = json!({ "media": { "kind": "image", "source": { "link": "https://files.example.net/a.png" } } });
        assert_eq!(found(link), pairs([("image.link", "https://files.example.net/a.png")]));
        assert_eq!(found(json!({ "text": { "body": "id" } })), []);
    }

    #[test]
    fn headers_and_the_cards_of_an_action() {
        let video = json!({ "content": { "media": { "kind": "video", "source": { "id": "1" } } } });
        let cards = json!([{ "header": { "type": "image", "image": { "id": "2" } }, "id": "3" }]);
        let action = json!({ "named": { "kind": "carousel", "action": { "cards": cards } } });
        assert_eq!(
            found(json!({ "interactive": { "header": video, "action": action } })),
            pairs([("interactive.header.video.id", "1"), ("interactive.action.cards[0].header.image.id", "2")])
        );
    }

    #[test]
    fn parameters_and_the_cards_of_a_template() {
        let parameters = json!([{ "value": { "text": "x" } }, {
            "value": { "media": { "kind": "document", "source": { "id": "1" } } } }]);
        let parts = json!([{ "type": "header", "parameters": [{ "type": "image", "image": { "id": "2" } }] }]);
        let components = json!([
            { "kind": "header", "parameters": parameters },
            { "kind": { "other": "carousel" }, "extra": { "cards": [{ "card_index": 0, "components": parts }] } },
        ]);
        assert_eq!(
            found(json!({ "template": { "name": "offer", "language": "en", "components": components } })),
            pairs([
                ("template.components[0].parameters[1].document.id", "1"),
                ("template.components[1].cards[0].components[0].parameters[0].image.id", "2"),
            ])
        );
    }

    #[test]
    fn a_document_without_a_name_has_the_one_in_its_link() {
        let name = |kind: &str, link: &str| {
            let media = json!({ "kind": kind, "source": { "link": link } });
            message(json!({ "media": media })).files()[0].name_in_link()
        };
        let link = "https://files.example.net/inv/Invoice%20%E2%84%96%2022.pdf?at=1/2.png#x";
        assert_eq!(name("document", link).as_deref(), Some("Invoice № 22.pdf"));
        assert_eq!(name("image", link), None);
        for link in ["https://files.example.net", "https://files.example.net/inv/", "no link"] {
            assert_eq!(name("document", link), None, "{link}");
        }
    }

    #[test]
    fn an_id_takes_the_place_of_a_link_and_of_its_credential() {
        let link = json!({ "link": "https://files.example.net/a.pdf" });
        let provider = json!({ "name": "store" });
        let media = json!({ "kind": "document", "source": link, "provider": provider, "filename": "a" });
        let card = json!({ "document": { "link": link["link"], "provider": provider, "filename": "a" } });
        let action = json!({ "named": { "kind": "carousel", "action": { "cards": [card] } } });
        for content in [json!({ "media": media }), json!({ "interactive": { "action": action } })] {
            let mut request = message(content);
            for mut file in request.files() {
                assert_eq!((file.provider(), file.filename()), (Some("store"), Some("a")));
                file.put_id("9".to_owned());
                file.rename("a.pdf".to_owned());
            }
            let files = request.files();
            assert_eq!(files.len(), 1);
            assert_eq!((address(&files[0]), files[0].provider()), ("9".to_owned(), None));
            assert_eq!(files[0].filename(), Some("a.pdf"));
        }
    }
}
