//! The files that a request names by the ids of uploads, wherever they stand in it.

use serde_json::{Map, Value};

use super::{
    Action, Component, Content, HeaderContent, Interactive, Media, MediaKind, MediaSource, ParameterValue, Request,
    Template,
};

/// The id of an upload in a request: an id means something only where the file was uploaded, so another one takes its
/// place for another upstream.
#[derive(Debug, PartialEq)]
pub struct FileId<'a> {
    /// Where it stands, in the Cloud API's spelling: `image.id`.
    pub member: String,
    /// The id.
    pub id: &'a mut String,
}

impl Request {
    /// The ids of its files: of the content, of headers, of a template's parameters, and of the cards of carousels,
    /// which the model carries as they came.
    pub fn file_ids(&mut self) -> Vec<FileId<'_>> {
        let Self::Send(message) = self else { return Vec::new() };
        match &mut message.content {
            Content::Media(media) => of_media(media, "").into_iter().collect(),
            Content::Interactive(interactive) => of_interactive(interactive),
            Content::Template(template) => of_template(template),
            Content::Text(_) | Content::Location(_) | Content::Contacts(_) | Content::Reaction(_) => Vec::new(),
        }
    }
}

fn of_media<'a>(media: &'a mut Media, path: &str) -> Option<FileId<'a>> {
    let MediaSource::Id(id) = &mut media.source else { return None };
    Some(FileId { member: format!("{path}{}.id", media.kind.as_str()), id })
}

fn of_interactive(interactive: &mut Interactive) -> Vec<FileId<'_>> {
    let mut ids = Vec::new();
    if let Some(HeaderContent::Media(media)) = interactive.header.as_mut().map(|header| &mut header.content) {
        ids.extend(of_media(media, "interactive.header."));
    }
    if let Action::Named { action, .. } = &mut interactive.action {
        ids.extend(of_cards("interactive.action", action));
    }
    ids
}

fn of_template(template: &mut Template) -> Vec<FileId<'_>> {
    let mut ids = Vec::new();
    for (at, component) in template.components.iter_mut().enumerate() {
        of_component(&format!("template.components[{at}]"), component, &mut ids);
    }
    ids
}

fn of_component<'a>(path: &str, component: &'a mut Component, ids: &mut Vec<FileId<'a>>) {
    for (at, parameter) in component.parameters.iter_mut().enumerate() {
        if let ParameterValue::Media(media) = &mut parameter.value {
            ids.extend(of_media(media, &format!("{path}.parameters[{at}].")));
        }
    }
    ids.extend(of_cards(path, &mut component.extra.0));
}

/// The cards of a carousel. What other members hold is the client's own: a flow's data may look like a file and is none.
fn of_cards<'a>(path: &str, members: &'a mut Map<String, Value>) -> Vec<FileId<'a>> {
    let mut ids = Vec::new();
    if let Some(cards) = members.get_mut("cards") {
        in_value(&format!("{path}.cards"), cards, &mut ids);
    }
    ids
}

/// Looks for `"image": {"id": …}` and its like in JSON that nobody parsed; requests are bounded in depth.
fn in_value<'a>(path: &str, value: &'a mut Value, ids: &mut Vec<FileId<'a>>) {
    match value {
        Value::Array(entries) => {
            entries.iter_mut().enumerate().for_each(|(at, entry)| in_value(&format!("{path}[{at}]"), entry, ids));
        }
        Value::Object(members) => {
            for (name, value) in members {
                if MediaKind::named(name).is_none() {
                    in_value(&format!("{path}.{name}"), value, ids);
                } else if let Some(Value::String(id)) = value.get_mut("id") {
                    ids.push(FileId { member: format!("{path}.{name}.id"), id });
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
        message(content).file_ids().into_iter().map(|file| (file.member, file.id.clone())).collect()
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.map(|(member, id)| (member.to_owned(), id.to_owned())).into()
    }

    #[test]
    fn the_content_itself() {
        assert_eq!(found(json!({ "media": { "kind": "image", "source": { "id": "1" } } })), pairs([("image.id", "1")]));
        let link = json!({ "media": { "kind": "image", "source": { "link": "https://files.example.net/a.png" } } });
        assert_eq!(found(link), []);
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
    fn another_id_can_take_its_place() {
        let mut request = message(json!({ "media": { "kind": "sticker", "source": { "id": "1" } } }));
        request.file_ids().into_iter().for_each(|file| *file.id = "9".to_owned());
        assert_eq!(request.file_ids().into_iter().map(|file| file.id.clone()).collect::<Vec<_>>(), ["9"]);
    }
}
