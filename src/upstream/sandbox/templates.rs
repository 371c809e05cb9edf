//! Texts of templates. The sandbox takes any template, as it has none approved; given the text of one, its inbox shows it
//! filled in.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::lock;
use crate::model::{Component, ComponentKind, Fault, FaultKind, MediaKind, Parameter, ParameterValue, Template};

/// Templates that are kept.
const MOST: usize = 1000;

/// A template's text, as Meta's API takes it and lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TemplateText {
    /// Its name.
    pub name: String,
    /// Its language, as `en` or `pt_BR`.
    pub language: String,
    /// Its parts.
    pub components: Vec<Part>,
}

/// A part of a template's text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "UPPERCASE")]
pub enum Part {
    /// Above the body: a text, or a file of the kind that `format` names.
    Header {
        /// `TEXT`, `IMAGE`, `VIDEO`, `DOCUMENT`, `LOCATION`.
        format: String,
        /// The text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
    },
    /// The text itself, with its placeholders: `{{1}}`, or `{{first_name}}`.
    Body {
        /// The text.
        text: String,
    },
    /// The small print.
    Footer {
        /// The text.
        text: String,
    },
    /// What can be pressed.
    Buttons {
        /// In the order of their indices.
        buttons: Vec<ButtonText>,
    },
    /// Parts that the inbox does not show.
    #[serde(other)]
    Other,
}

/// What stands on a button.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ButtonText {
    /// `QUICK_REPLY`, `URL`, `PHONE_NUMBER`, `COPY_CODE` …
    #[serde(rename = "type")]
    pub kind: String,
    /// Its label.
    #[serde(default)]
    pub text: String,
    /// Where it leads, with a placeholder at its end perhaps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The texts that were given, by name and language.
#[derive(Default)]
pub struct Templates(Mutex<BTreeMap<(String, String), Arc<TemplateText>>>);

impl Templates {
    /// Every text.
    pub fn list(&self) -> Vec<Arc<TemplateText>> {
        lock(&self.0).values().cloned().collect()
    }

    /// The text of a template.
    pub fn find(&self, template: &Template) -> Option<Arc<TemplateText>> {
        lock(&self.0).get(&(template.name.clone(), template.language.clone())).cloned()
    }

    /// Takes texts: one, several, or a page as Meta's API lists them, `{"data": […]}`. Of the same name and language the
    /// latest counts. Gives how many they were.
    ///
    /// # Errors
    /// Where they are none, or too many.
    pub fn give(&self, mut given: Value) -> Result<usize, Fault> {
        let given = given.get_mut("data").map(Value::take).unwrap_or(given);
        let given = if given.is_array() { given } else { Value::Array(vec![given]) };
        let texts: Vec<TemplateText> = serde_json::from_value(given).map_err(|error| {
            let remedy = "give a template as Meta's API has it: name, language, and components with their texts";
            Fault::client(FaultKind::MalformedBody, format!("the template cannot be read: {error}; {remedy}"))
        })?;
        let (count, mut known) = (texts.len(), lock(&self.0));
        if known.len() + count > MOST {
            let detail = format!("the sandbox keeps {MOST} templates at most; reset it, or give fewer");
            return Err(Fault::client(FaultKind::TooLong, detail));
        }
        known.extend(texts.into_iter().map(|text| ((text.name.clone(), text.language.clone()), Arc::new(text))));
        Ok(count)
    }

    /// Forgets all of them.
    pub fn clear(&self) {
        lock(&self.0).clear();
    }
}

/// A template as a person sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filled {
    /// What stands above the body.
    pub header: Option<FilledHeader>,
    /// The body; none where its text is not known.
    pub body: Option<String>,
    /// What would fill it, where its text is not known: the placeholder and the value.
    pub values: Vec<(String, String)>,
    /// The small print.
    pub footer: Option<String>,
    /// What can be pressed.
    pub buttons: Vec<FilledButton>,
}

/// What stands above the body.
#[derive(Clone, Debug, PartialEq)]
pub enum FilledHeader {
    /// A text.
    Text(String),
    /// A file, or another value.
    Value(Box<ParameterValue>),
    /// A file that was not given.
    Missing(MediaKind),
}

/// A button.
#[derive(Clone, Debug, PartialEq)]
pub struct FilledButton {
    /// Its position.
    pub index: u64,
    /// `quick_reply`, `url` …
    pub kind: String,
    /// Its label.
    pub label: String,
    /// What it answers with, or where it leads.
    pub value: Option<String>,
}

/// Fills a template in; as far as that goes where its text is not known.
pub fn fill(template: &Template, text: Option<&TemplateText>) -> Filled {
    let Some(text) = text else { return guessed(template) };
    let mut filled = Filled::default();
    for part in &text.components {
        match part {
            Part::Header { format, text } => filled.header = header(template, format, text.as_deref()),
            Part::Body { text } => filled.body = Some(filled_in(text, parameters(template, &ComponentKind::Body))),
            Part::Footer { text } => filled.footer = Some(text.clone()),
            Part::Buttons { buttons } => {
                filled.buttons = (0..).zip(buttons).map(|(at, text)| button(template, at, text)).collect()
            }
            Part::Other => {}
        }
    }
    filled
}

/// What can be told without the text.
fn guessed(template: &Template) -> Filled {
    let header = parameters(template, &ComponentKind::Header).first().map(|parameter| match words(&parameter.value) {
        Some(text) => FilledHeader::Text(text),
        None => FilledHeader::Value(Box::new(parameter.value.clone())),
    });
    let body = parameters(template, &ComponentKind::Body).iter().enumerate();
    let values = body.map(|(at, parameter)| {
        let name = parameter.name.clone().unwrap_or_else(|| (at + 1).to_string());
        (name, words(&parameter.value).unwrap_or_default())
    });
    let values = values.collect();
    let buttons = template.components.iter().filter(|component| component.kind == ComponentKind::Button);
    let buttons = buttons.map(|component| {
        let (index, kind) = (component.index.unwrap_or_default(), component.sub_type.clone().unwrap_or_default());
        let value = component.parameters.first().and_then(|parameter| words(&parameter.value));
        FilledButton { index, label: format!("Button {}", index + 1), kind, value }
    });
    Filled { header, values, buttons: buttons.collect(), ..Filled::default() }
}

fn header(template: &Template, format: &str, text: Option<&str>) -> Option<FilledHeader> {
    let parameters = parameters(template, &ComponentKind::Header);
    match (text, parameters.first()) {
        (Some(text), _) => Some(FilledHeader::Text(filled_in(text, parameters))),
        (None, Some(parameter)) => Some(FilledHeader::Value(Box::new(parameter.value.clone()))),
        (None, None) => MediaKind::named(&format.to_ascii_lowercase()).map(FilledHeader::Missing),
    }
}

fn button(template: &Template, index: u64, text: &ButtonText) -> FilledButton {
    let is_this = |component: &&Component| component.kind == ComponentKind::Button && component.index == Some(index);
    let component = template.components.iter().find(is_this);
    let given = component.map_or(&[][..], |component| component.parameters.as_slice());
    let value = match &text.url {
        Some(url) => Some(filled_in(url, given)),
        None => given.first().and_then(|parameter| words(&parameter.value)),
    };
    let label = if text.text.is_empty() { text.kind.replace('_', " ").to_lowercase() } else { text.text.clone() };
    FilledButton { index, kind: text.kind.to_ascii_lowercase(), label, value }
}

fn parameters<'a>(template: &'a Template, kind: &ComponentKind) -> &'a [Parameter] {
    let component = template.components.iter().find(|component| component.kind == *kind);
    component.map_or(&[], |component| component.parameters.as_slice())
}

/// A value as it stands in a text; none where it is no text. Of money and dates that is their fallback.
fn words(value: &ParameterValue) -> Option<String> {
    match value {
        ParameterValue::Text(text) | ParameterValue::Payload(text) => Some(text.clone()),
        ParameterValue::Media(_) => None,
        ParameterValue::Other { kind, members } => match members.get(kind)? {
            Value::Object(value) => value.get("fallback_value")?.as_str().map(str::to_owned),
            value => value.as_str().map(str::to_owned),
        },
    }
}

/// A text with what fills its placeholders, by their number or their name; one that nothing fills stays.
fn filled_in(text: &str, parameters: &[Parameter]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, behind)) = after.split_once("}}") else { break };
        filled.push_str(before);
        match value_of(name.trim(), parameters) {
            Some(value) => filled.push_str(&value),
            None => _ = std::fmt::Write::write_fmt(&mut filled, format_args!("{{{{{name}}}}}")),
        }
        rest = behind;
    }
    filled + rest
}

fn value_of(name: &str, parameters: &[Parameter]) -> Option<String> {
    let named = parameters.iter().find(|parameter| parameter.name.as_deref() == Some(name));
    let numbered = || parameters.get(name.parse::<usize>().ok()?.checked_sub(1)?);
    words(&named.or_else(numbered)?.value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::dialect::samples;
    use crate::model::{Content, Extra, Message, Request};

    fn text(value: &str) -> Parameter {
        Parameter { name: None, value: ParameterValue::Text(value.to_owned()), extra: Extra::default() }
    }

    fn template() -> Template {
        let mut templates = samples().iter().filter_map(|sample| match sample.request() {
            Ok(Request::Send(Message { content: Content::Template(template), .. })) => Some(template),
            _ => None,
        });
        let template = templates.next().unwrap();
        Template { name: "order".to_owned(), language: "en".to_owned(), components: Vec::new(), ..template }
    }

    fn component(kind: ComponentKind, index: Option<u64>, parameters: Vec<Parameter>) -> Component {
        Component { kind, sub_type: Some("quick_reply".to_owned()), index, parameters, extra: Extra::default() }
    }

    fn order() -> Value {
        json!({
            "name": "order", "language": "en", "status": "APPROVED", "components": [
                { "type": "HEADER", "format": "TEXT", "text": "Order {{1}}" },
                { "type": "BODY", "text": "Hi {{1}}, {{2}} is {{ready" },
                { "type": "FOOTER", "text": "Acme" },
                { "type": "BUTTONS", "buttons": [
                    { "type": "QUICK_REPLY", "text": "Thanks" },
                    { "type": "URL", "text": "Track", "url": "https://acme.example.net/{{1}}" }
                ] },
                { "type": "LIMITED_TIME_OFFER", "limited_time_offer": {} }
            ]
        })
    }

    #[test]
    fn a_known_text_is_filled_in() {
        let templates = Templates::default();
        templates.give(json!({ "data": [order()] })).unwrap();
        let mut template = template();
        let payload = Parameter { value: ParameterValue::Payload("OK".to_owned()), ..text("") };
        template.components = vec![
            component(ComponentKind::Header, None, vec![text("8841")]),
            component(ComponentKind::Body, None, vec![text("Ada")]),
            component(ComponentKind::Button, Some(0), vec![payload]),
            component(ComponentKind::Button, Some(1), vec![text("8841")]),
        ];
        let filled = fill(&template, templates.find(&template).as_deref());
        assert_eq!(filled.header, Some(FilledHeader::Text("Order 8841".to_owned())));
        assert_eq!(filled.body.as_deref(), Some("Hi Ada, {{2}} is {{ready"), "what nothing fills stays");
        assert_eq!(filled.footer.as_deref(), Some("Acme"));
        let buttons: Vec<_> = filled.buttons.iter().map(|it| (it.label.as_str(), it.value.as_deref())).collect();
        assert_eq!(buttons, [("Thanks", Some("OK")), ("Track", Some("https://acme.example.net/8841"))]);
    }

    #[test]
    fn of_an_unknown_one_the_values_are_told() {
        let mut template = template();
        let money = ParameterValue::Other {
            kind: "currency".to_owned(),
            members: json!({ "currency": { "fallback_value": "£ 4", "code": "GBP" } }).as_object().unwrap().clone(),
        };
        let named = Parameter { name: Some("price".to_owned()), value: money, ..text("") };
        template.components = vec![component(ComponentKind::Body, None, vec![text("Ada"), named])];
        let filled = fill(&template, None);
        let values: Vec<_> = filled.values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!((filled.body, values), (None, vec![("1", "Ada"), ("price", "£ 4")]));
    }

    #[test]
    fn what_is_no_template_is_refused_and_the_remedy_named() {
        let templates = Templates::default();
        for given in [json!(7), json!({ "name": "a" }), json!([{ "name": "a", "language": "en", "components": 1 }])] {
            assert!(templates.give(given.clone()).unwrap_err().detail.contains("name, language"), "{given}");
        }
        assert_eq!(templates.list(), []);
        assert_eq!(templates.give(json!([order(), order()])), Ok(2));
        assert_eq!(templates.list().len(), 1);
    }
}
