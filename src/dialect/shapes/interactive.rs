//! `{ "type", "header"?, "body"?, "footer"?, "action" }`
//!
//! Limits: Meta, messages/interactive-list-messages, interactive-reply-buttons-messages, interactive-cta-url-messages,
//! interactive-flow-messages.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Forms, Object};
use crate::dialect::Translation;
use crate::dialect::reader::{ANY_LENGTH, Members, within};
use crate::model::{
    Action, ButtonExtra, Extra, Fault, FaultKind, Header, HeaderContent, Interactive, ListRow, ListSection, MediaKind,
    Paragraph, ProductItem, ProductSection, ReplyButton, Warning,
};

const MAX_BODY: usize = 1024;
const MAX_HEADER: usize = 60;
const MAX_FOOTER: usize = 60;
const MAX_BUTTONS: usize = 3;
const MAX_BUTTON_TITLE: usize = 20;
const MAX_BUTTON_ID: usize = 256;
const MAX_SECTIONS: usize = 10;
const MAX_SECTION_TITLE: usize = 24;
const MAX_ROWS: usize = 10;
const MAX_ROW_ID: usize = 200;
const MAX_ROW_TITLE: usize = 24;
const MAX_ROW_DESCRIPTION: usize = 72;
const MAX_PRODUCTS: usize = 30;
const MAX_FLOW_LABEL: usize = 30;

/// Reads an interactive message; an action that we do not know is kept as it came.
///
/// # Errors
/// When a part is missing, of the wrong kind or beyond its limit.
pub fn decode_interactive(
    mut members: Members,
    forms: &Forms,
    warnings: &mut Vec<Warning>,
) -> Result<Interactive, Fault> {
    let kind = members.text("type", ANY_LENGTH)?.to_ascii_lowercase();
    if let Some(kinds) = forms.interactive_kinds.filter(|kinds| !kinds.contains(&kind.as_str())) {
        let what = format_args!("is a kind that this dialect does not have; it has {}", kinds.join(", "));
        return Err(Fault::at(FaultKind::UnsupportedKind, members.path("type"), what));
    }
    let header = match members.optional_object("header")? {
        Some(header) => Some(decode_header(header, forms, warnings)?),
        None => None,
    };
    let max_body = if kind == "list" { forms.max_list_body } else { MAX_BODY };
    let body = decode_paragraph(&mut members, "body", max_body)?;
    let footer = decode_paragraph(&mut members, "footer", MAX_FOOTER)?;
    if body.is_none() && matches!(kind.as_str(), "button" | "list" | "product_list") {
        return Err(Fault::missing(members.path("body.text"), "give the text of the message"));
    }
    let (action, action_extra) = decode_action(&kind, members.object("action")?)?;
    check_header(&members.path("header"), header.as_ref(), &action)?;
    Ok(Interactive { action, header, body, footer, extra: members.rest(), action_extra })
}

fn decode_paragraph(members: &mut Members, name: &str, max: usize) -> Result<Option<Paragraph>, Fault> {
    match members.optional_object(name)? {
        Some(mut inner) => Ok(Some(Paragraph { text: inner.text("text", max)?, extra: inner.rest() })),
        None => Ok(None),
    }
}

fn decode_header(mut members: Members, forms: &Forms, warnings: &mut Vec<Warning>) -> Result<Header, Fault> {
    let kind = members.text("type", ANY_LENGTH)?.to_ascii_lowercase();
    let content = match (kind.as_str(), MediaKind::named(&kind)) {
        ("text", _) => HeaderContent::Text(members.text("text", MAX_HEADER)?),
        (_, Some(kind @ (MediaKind::Image | MediaKind::Video | MediaKind::Document))) => {
            let media = members.object(kind.as_str())?;
            let path = media.path("caption");
            let mut media = (forms.read_media)(kind, media, warnings)?;
            if media.caption.take().is_some() {
                warnings.push(Warning::new(path, "WhatsApp shows no caption in a header: left out"));
            }
            HeaderContent::Media(media)
        }
        _ => HeaderContent::Other(kind),
    };
    Ok(Header { content, extra: members.rest() })
}

/// Which header goes with which action.
fn check_header(path: &str, header: Option<&Header>, action: &Action) -> Result<(), Fault> {
    let is_text = header.map(|header| matches!(header.content, HeaderContent::Text(_)));
    match (action, is_text) {
        (Action::List { .. } | Action::ProductList { .. }, Some(false)) => {
            Err(Fault::invalid(format!("{path}.type"), "is not text; lists take a text header only"))
        }
        (Action::ProductList { .. }, None) => Err(Fault::missing(path, "give a product list a text header")),
        (Action::Product { .. }, Some(_)) => Err(Fault::invalid(path, "stands on a single product; leave it out")),
        _ => Ok(()),
    }
}

fn decode_action(kind: &str, mut action: Members) -> Result<(Action, Extra), Fault> {
    let decoded = match kind {
        "button" => Action::Buttons(decode_buttons(&mut action)?),
        "list" => {
            Action::List { button: action.text("button", MAX_BUTTON_TITLE)?, sections: decode_sections(&mut action)? }
        }
        "product" => Action::Product {
            catalog_id: action.text("catalog_id", ANY_LENGTH)?,
            product_retailer_id: action.text("product_retailer_id", ANY_LENGTH)?,
        },
        "product_list" => Action::ProductList {
            catalog_id: action.text("catalog_id", ANY_LENGTH)?,
            sections: decode_product_sections(&mut action)?,
        },
        _ => {
            let path = action.own_path().to_owned();
            let action = action.rest().0;
            check_named(kind, &path, &action)?;
            return Ok((Action::Named { kind: kind.to_owned(), action }, Extra::default()));
        }
    };
    Ok((decoded, action.rest()))
}

fn decode_buttons(action: &mut Members) -> Result<Vec<ReplyButton>, Fault> {
    let mut titles = HashSet::new();
    let mut buttons = Vec::new();
    for mut button in action.objects_within("buttons", MAX_BUTTONS)? {
        button.ignore(&["type"]);
        let mut reply = button.object("reply")?;
        let id = reply.text("id", MAX_BUTTON_ID)?;
        if id.trim() != id {
            return Err(Fault::invalid(reply.path("id"), "begins or ends with a blank; trim it"));
        }
        let title = reply.text("title", MAX_BUTTON_TITLE)?;
        if !titles.insert(title.clone()) {
            return Err(Fault::invalid(reply.path("title"), "repeats the title of another button; make each unique"));
        }
        let extra = ButtonExtra { reply: reply.rest(), button: button.rest() };
        buttons.push(ReplyButton { id, title, extra });
    }
    Ok(buttons)
}

fn decode_sections(action: &mut Members) -> Result<Vec<ListSection>, Fault> {
    let path = action.path("sections");
    let sections = action.objects_within("sections", MAX_SECTIONS)?;
    let several = sections.len() > 1;
    let sections: Vec<_> =
        sections.into_iter().map(|section| decode_section(section, several)).collect::<Result<_, _>>()?;
    let rows: usize = sections.iter().map(|section| section.rows.len()).sum();
    at_most(&path, "rows in all its sections", rows, MAX_ROWS)?;
    Ok(sections)
}

fn decode_section(mut section: Members, several: bool) -> Result<ListSection, Fault> {
    let title = section_title(&mut section, several)?;
    let rows = section.objects_within("rows", MAX_ROWS)?;
    let rows = rows.into_iter().map(decode_row).collect::<Result<_, _>>()?;
    Ok(ListSection { title, rows, extra: section.rest() })
}

fn decode_row(mut row: Members) -> Result<ListRow, Fault> {
    Ok(ListRow {
        id: row.text("id", MAX_ROW_ID)?,
        title: row.text("title", MAX_ROW_TITLE)?,
        description: row.optional_text("description", MAX_ROW_DESCRIPTION)?,
        extra: row.rest(),
    })
}

fn decode_product_sections(action: &mut Members) -> Result<Vec<ProductSection>, Fault> {
    let path = action.path("sections");
    let sections = action.objects_within("sections", MAX_SECTIONS)?;
    let several = sections.len() > 1;
    let sections: Vec<_> =
        sections.into_iter().map(|section| decode_product_section(section, several)).collect::<Result<_, _>>()?;
    let products: usize = sections.iter().map(|section| section.products.len()).sum();
    at_most(&path, "products in all its sections", products, MAX_PRODUCTS)?;
    Ok(sections)
}

fn decode_product_section(mut section: Members, several: bool) -> Result<ProductSection, Fault> {
    let title = section_title(&mut section, several)?;
    let products = section.objects_within("product_items", MAX_PRODUCTS)?;
    let products = products.into_iter().map(decode_product).collect::<Result<_, _>>()?;
    Ok(ProductSection { title, products, extra: section.rest() })
}

fn decode_product(mut item: Members) -> Result<ProductItem, Fault> {
    Ok(ProductItem { product_retailer_id: item.text("product_retailer_id", ANY_LENGTH)?, extra: item.rest() })
}

fn section_title(section: &mut Members, several: bool) -> Result<Option<String>, Fault> {
    let title = section.optional_text("title", MAX_SECTION_TITLE)?.filter(|title| !title.is_empty());
    if several && title.is_none() {
        return Err(Fault::missing(section.path("title"), "give each section a title where there are several"));
    }
    Ok(title)
}

fn at_most(path: &str, what: &str, found: usize, max: usize) -> Result<(), Fault> {
    if found > max {
        let what = format_args!("has {found} {what}; at most {max} are allowed");
        return Err(Fault::at(FaultKind::TooLong, path, what));
    }
    Ok(())
}

/// The limits of actions that otherwise pass as they are.
fn check_named(kind: &str, path: &str, action: &Map<String, Value>) -> Result<(), Fault> {
    let parameter = |name: &str| action.get("parameters").and_then(|parameters| parameters.get(name));
    let text_within = |name: &str, max| match parameter(name).and_then(Value::as_str) {
        Some(text) => within(|| format!("{path}.parameters.{name}"), text, max),
        None if parameter(name).is_none_or(Value::is_null) => {
            Err(Fault::missing(format!("{path}.parameters.{name}"), "give a text"))
        }
        None => Err(Fault::invalid(format!("{path}.parameters.{name}"), "is no text; give a text")),
    };
    match kind {
        "cta_url" => {
            text_within("display_text", MAX_BUTTON_TITLE)?;
            text_within("url", ANY_LENGTH)
        }
        "flow" => text_within("flow_cta", MAX_FLOW_LABEL),
        "address_message" => text_within("country", ANY_LENGTH),
        _ => Ok(()),
    }
}

/// Writes an interactive message that stands at `interactive`.
///
/// # Errors
/// When the dialect does not have the action, or the translation does not allow a loss.
pub fn encode_interactive(
    interactive: &Interactive,
    forms: &Forms,
    translation: &mut Translation<'_>,
) -> Result<Value, Fault> {
    let kind = interactive.action.kind();
    if let Some(kinds) = forms.interactive_kinds.filter(|kinds| !kinds.contains(&kind)) {
        let why = format_args!("it is {kind}; that dialect has {}", kinds.join(", "));
        return Err(translation.refuse(FaultKind::UnsupportedKind, "interactive.type", why));
    }
    let mut object = Object::new();
    object.put("type", kind);
    if let Some(header) = &interactive.header {
        object.put("header", encode_header(header, forms, translation)?);
    }
    if let Some(body) = &interactive.body {
        let max_body = if kind == "list" { forms.max_list_body } else { MAX_BODY };
        translation.within("interactive.body.text", &body.text, max_body)?;
        object.put("body", encode_paragraph(body, "interactive.body", translation));
    }
    if let Some(footer) = &interactive.footer {
        object.put("footer", encode_paragraph(footer, "interactive.footer", translation));
    }
    let mut action = encode_action(&interactive.action, translation);
    translation.extra(&interactive.action_extra, "interactive.action", &mut action);
    object.put("action", action);
    translation.extra(&interactive.extra, "interactive", &mut object.0);
    Ok(object.into())
}

fn encode_header(header: &Header, forms: &Forms, translation: &mut Translation<'_>) -> Result<Value, Fault> {
    let mut object = Object::new();
    match &header.content {
        HeaderContent::Text(text) => {
            object.put("type", "text");
            object.put("text", text.as_str());
        }
        HeaderContent::Media(media) => {
            let kind = media.kind.as_str();
            object.put("type", kind);
            object.put(kind, (forms.write_media)(media, &format!("interactive.header.{kind}"), translation)?);
        }
        HeaderContent::Other(kind) => object.put("type", kind.as_str()),
    }
    translation.extra(&header.extra, "interactive.header", &mut object.0);
    Ok(object.into())
}

fn encode_paragraph(paragraph: &Paragraph, path: &str, translation: &mut Translation<'_>) -> Value {
    let mut object = Object::new();
    object.put("text", paragraph.text.as_str());
    translation.extra(&paragraph.extra, path, &mut object.0);
    object.into()
}

fn encode_action(action: &Action, translation: &mut Translation<'_>) -> Map<String, Value> {
    let mut object = Object::new();
    match action {
        Action::Buttons(buttons) => {
            let buttons = buttons.iter().enumerate().map(|(at, button)| encode_button(at, button, translation));
            object.put("buttons", buttons.collect::<Vec<_>>());
        }
        Action::List { button, sections } => {
            object.put("button", button.as_str());
            let sections = sections.iter().enumerate().map(|(at, section)| encode_section(at, section, translation));
            object.put("sections", sections.collect::<Vec<_>>());
        }
        Action::Product { catalog_id, product_retailer_id } => {
            object.put("catalog_id", catalog_id.as_str());
            object.put("product_retailer_id", product_retailer_id.as_str());
        }
        Action::ProductList { catalog_id, sections } => {
            object.put("catalog_id", catalog_id.as_str());
            let sections =
                sections.iter().enumerate().map(|(at, section)| encode_product_section(at, section, translation));
            object.put("sections", sections.collect::<Vec<_>>());
        }
        Action::Named { action, .. } => return action.clone(),
    }
    object.0
}

fn encode_button(at: usize, button: &ReplyButton, translation: &mut Translation<'_>) -> Value {
    let path = format!("interactive.action.buttons[{at}]");
    let mut reply = Object::new();
    reply.put("id", button.id.as_str());
    reply.put("title", button.title.as_str());
    translation.extra(&button.extra.reply, format_args!("{path}.reply"), &mut reply.0);
    let mut object = Object::new();
    object.put("type", "reply");
    object.put("reply", reply);
    translation.extra(&button.extra.button, &path, &mut object.0);
    object.into()
}

fn encode_section(at: usize, section: &ListSection, translation: &mut Translation<'_>) -> Value {
    let path = format!("interactive.action.sections[{at}]");
    let mut object = Object::new();
    object.put_some("title", &section.title);
    let rows = section.rows.iter().enumerate().map(|(at, row)| {
        let mut object = Object::new();
        object.put("id", row.id.as_str());
        object.put("title", row.title.as_str());
        object.put_some("description", &row.description);
        translation.extra(&row.extra, format_args!("{path}.rows[{at}]"), &mut object.0);
        Value::from(object)
    });
    object.put("rows", rows.collect::<Vec<_>>());
    translation.extra(&section.extra, &path, &mut object.0);
    object.into()
}

fn encode_product_section(at: usize, section: &ProductSection, translation: &mut Translation<'_>) -> Value {
    let path = format!("interactive.action.sections[{at}]");
    let mut object = Object::new();
    object.put_some("title", &section.title);
    let products = section.products.iter().enumerate().map(|(at, item)| {
        let mut object = Object::new();
        object.put("product_retailer_id", item.product_retailer_id.as_str());
        translation.extra(&item.extra, format_args!("{path}.product_items[{at}]"), &mut object.0);
        Value::from(object)
    });
    object.put("product_items", products.collect::<Vec<_>>());
    translation.extra(&section.extra, &path, &mut object.0);
    object.into()
}
