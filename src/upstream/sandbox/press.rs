//! What can be pressed in a message, and what is answered by it.

use serde_json::{Value, json};

use super::templates::{TemplateText, fill};
use crate::model::{
    Action, ButtonReply, Content, Extra, FlowReply, InboundContent, ListReply, ListRow, ReplyButton, TemplateButton,
};

/// Something that can be pressed.
#[derive(Clone, Debug, PartialEq)]
pub struct Pressable {
    /// How it is told from others in its message: `button-0`, `row-1-2`, `quick-0`.
    pub key: String,
    /// What the sender put behind it.
    pub id: Option<String>,
    /// What stands on it.
    pub title: String,
    /// The line below.
    pub description: Option<String>,
    /// What is answered.
    pub answer: InboundContent,
}

impl Pressable {
    /// Whether somebody means this one, by key, id or title.
    pub fn is_meant(&self, name: &str) -> bool {
        self.key == name || self.id.as_deref() == Some(name) || self.title == name
    }

    fn button(at: usize, button: &ReplyButton) -> Self {
        let ReplyButton { id, title, .. } = button.clone();
        let answer = ButtonReply { id: id.clone(), title: title.clone(), extra: Extra::default() };
        let answer = InboundContent::ButtonReply(answer);
        Self { key: format!("button-{at}"), id: Some(id), title, description: None, answer }
    }

    fn row(section: usize, at: usize, row: &ListRow) -> Self {
        let ListRow { id, title, description, .. } = row.clone();
        let (key, extra) = (format!("row-{section}-{at}"), Extra::default());
        let answer = ListReply { id: id.clone(), title: title.clone(), description: description.clone(), extra };
        Self { key, id: Some(id), title, description, answer: InboundContent::ListReply(answer) }
    }

    /// A flow is not played: its answer is that it was gone through.
    fn flow(action: &serde_json::Map<String, Value>) -> Self {
        let parameters = action.get("parameters");
        let text = |name| parameters.and_then(|parameters| parameters.get(name)?.as_str());
        let said = json!({ "flow_token": text("flow_token").unwrap_or("unused") }).to_string();
        let answer = FlowReply {
            name: Some("flow".to_owned()),
            body: Some("Sent".to_owned()),
            response_json: said,
            extra: Extra::default(),
        };
        let (key, title) = ("flow".to_owned(), text("flow_cta").unwrap_or("Open").to_owned());
        Self { key, id: None, title, description: None, answer: InboundContent::FlowReply(answer) }
    }
}

/// Everything that can be pressed in a message; of a template by its text, where that is known.
pub fn pressables(content: &Content, text: Option<&TemplateText>) -> Vec<Pressable> {
    match content {
        Content::Interactive(interactive) => match &interactive.action {
            Action::Buttons(buttons) => (0..).zip(buttons).map(|(at, button)| Pressable::button(at, button)).collect(),
            Action::List { sections, .. } => {
                let sections = sections.iter().enumerate();
                let rows = sections.flat_map(|(at, section)| {
                    (0..).zip(&section.rows).map(move |(row_at, row)| Pressable::row(at, row_at, row))
                });
                rows.collect()
            }
            Action::Named { kind, action } if kind == "flow" => vec![Pressable::flow(action)],
            _ => Vec::new(),
        },
        Content::Template(template) => {
            let quick = fill(template, text).buttons.into_iter().filter(|button| button.kind == "quick_reply");
            let quick = quick.map(|button| {
                // Where the sender put nothing behind a button, WhatsApp answers with its label.
                let payload = button.value.or_else(|| Some(button.label.clone()));
                let answer =
                    TemplateButton { payload: payload.clone(), text: button.label.clone(), extra: Extra::default() };
                Pressable {
                    key: format!("quick-{}", button.index),
                    id: payload,
                    title: button.label,
                    description: None,
                    answer: InboundContent::TemplateButton(answer),
                }
            });
            quick.collect()
        }
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::samples;
    use crate::model::{Message, Request};

    fn keys(name: &str) -> Vec<String> {
        let sample = samples().iter().find(|sample| sample.name == name).unwrap();
        let Ok(Request::Send(Message { content, .. })) = sample.request() else { return Vec::new() };
        pressables(&content, None).into_iter().map(|pressable| pressable.key).collect()
    }

    #[test]
    fn what_can_be_pressed_is_told_apart() {
        assert_eq!(keys("interactive_button").first().map(String::as_str), Some("button-0"));
        assert_eq!(keys("interactive_list").first().map(String::as_str), Some("row-0-0"));
        assert_eq!(keys("interactive_flow"), ["flow"]);
        assert_eq!(keys("template_rich").first().map(String::as_str), Some("quick-0"));
        assert_eq!(keys("text"), Vec::<String>::new());
    }
}
