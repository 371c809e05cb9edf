//! Any request that the model can hold, within the limits that every dialect shares.
//!
//! Members that few dialects can say are rare, or nearly every request would be refused and nothing be learnt from it.
//! The larger strategies are boxed: unboxed, their trees outgrow the stack of a test's thread.

use std::collections::HashSet;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use sabir::dialect::samples;
use sabir::model::{
    Action, ButtonExtra, Channel, Component, ComponentKind, Contact, Content, Extra, Header, HeaderContent,
    Interactive, ListRow, ListSection, Location, Media, MediaKind, MediaSource, Message, Paragraph, Parameter,
    ParameterValue, PhoneNumber, ProductItem, ProductSection, Provider, Quote, Reaction, ReadMark, Recipient,
    RecipientAddress, References, Relay, ReplyButton, Request, Template, Text,
};
use serde_json::{Map, Value, json};

/// Any request.
pub fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        12 => message().prop_map(Request::Send).boxed(),
        1 => read_mark().prop_map(Request::Read).boxed(),
        1 => relay().prop_map(Request::Relay).boxed(),
    ]
}

/// Any JSON value.
pub fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        proptest::num::f64::NORMAL.prop_map(Value::from),
        "[ -~äß€👍]{0,12}".prop_map(Value::from),
        // What real clients put into a text, and what turns up where a text was meant.
        prop::sample::select(vec!["", " ", "{", "[]", "{\"a\":1}", "null", "-0", "1e400", "text", "whatsapp"])
            .prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map("[a-z_]{1,8}", inner, 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

fn rarely<S: Strategy>(value: S) -> impl Strategy<Value = Option<S::Value>> {
    option::weighted(0.06, value)
}

fn sometimes<S: Strategy>(value: S) -> impl Strategy<Value = Option<S::Value>> {
    option::weighted(0.4, value)
}

/// A text of one to `max` characters with no blanks at its edges.
fn text(max: usize) -> BoxedStrategy<String> {
    let short = "[a-zA-Z0-9{\\[\"'<&äß€漢👍][ -~\n\täß€漢👍]{0,14}";
    prop_oneof![
        20 => short.prop_map(move |text| text.chars().take(max).collect::<String>().trim_end().to_owned()),
        1 => Just("ü".repeat(max)),
    ]
    .boxed()
}

fn id() -> impl Strategy<Value = String> {
    "[A-Za-z0-9][A-Za-z0-9_-]{3,20}"
}

fn message_id() -> impl Strategy<Value = String> {
    "wamid\\.[A-Za-z0-9+/]{8,32}={0,2}"
}

fn digits() -> impl Strategy<Value = String> {
    "[1-9][0-9]{7,14}"
}

fn link() -> impl Strategy<Value = String> {
    "https?://[a-z]{1,8}\\.example\\.net/[A-Za-z0-9_]{1,8}(\\.[a-z]{3})?(\\?v=[0-9]{1,3})?"
}

fn message() -> impl Strategy<Value = Message> {
    let rest = (references(), callbacks(), rarely(1..2_592_000_u64), rarely(id()));
    (rarely(digits()), recipient().boxed(), content().boxed(), rarely(message_id()), rest.boxed()).prop_map(
        |(sender, recipient, content, quoted, (references, callbacks, ttl_seconds, identity_key_hash))| {
            let reply_to = quoted.map(Quote::of);
            Message {
                sender,
                recipient,
                content,
                reply_to,
                references,
                callbacks,
                ttl_seconds,
                identity_key_hash,
                ..without_extras()
            }
        },
    )
}

/// A message with no member that we do not know.
fn without_extras() -> Message {
    match samples().iter().find(|sample| sample.name == "text").map(|sample| sample.request().unwrap()) {
        Some(Request::Send(message)) => message,
        other => panic!("the sample is no message: {other:?}"),
    }
}

fn references() -> impl Strategy<Value = References> {
    (rarely(id()), rarely(id()), rarely(text(512))).prop_map(|(client_id, external_id, opaque)| References {
        client_id,
        external_id,
        opaque,
    })
}

fn callbacks() -> impl Strategy<Value = Vec<String>> {
    rarely(vec(link(), 1..3)).prop_map(Option::unwrap_or_default)
}

fn recipient() -> impl Strategy<Value = Recipient> {
    let address = prop_oneof![
        16 => digits().prop_map(|digits| RecipientAddress::Phone(PhoneNumber::parse(&digits).unwrap())),
        1 => "[A-Z]{2}\\.(ENT\\.)?[A-Za-z0-9]{1,24}".prop_map(RecipientAddress::User),
        1 => "[A-Za-z0-9]{12,20}".prop_map(RecipientAddress::Group),
    ];
    address.prop_map(|address| Recipient { input: address.as_str().to_owned(), address })
}

fn content() -> impl Strategy<Value = Content> {
    prop_oneof![
        2 => words().prop_map(Content::Text).boxed(),
        4 => prop::sample::select(MediaKind::ALL.to_vec()).prop_flat_map(media).prop_map(Content::Media).boxed(),
        1 => location().prop_map(Content::Location).boxed(),
        1 => vec(contact().boxed(), 1..4).prop_map(Content::Contacts).boxed(),
        5 => interactive().prop_map(Content::Interactive).boxed(),
        3 => template().prop_map(Content::Template).boxed(),
        1 => reaction().prop_map(Content::Reaction).boxed(),
    ]
}

fn words() -> impl Strategy<Value = Text> {
    let preview = option::weighted(0.2, any::<bool>());
    (text(4096), preview).prop_map(|(body, preview_url)| Text { body, preview_url, extra: Extra::default() })
}

fn media(kind: MediaKind) -> BoxedStrategy<Media> {
    let source = prop_oneof![
        1 => id().prop_map(MediaSource::Id),
        2 => link().prop_map(MediaSource::Link),
    ];
    let filename = "[A-Za-z0-9 ä]{0,8}[a-z]\\.[a-z]{3}".prop_map(|name| name.trim().to_owned());
    (
        source,
        sometimes(text(1024)),
        sometimes(filename),
        option::weighted(0.2, any::<bool>()),
        rarely(id().prop_map(Provider::named)),
    )
        .prop_map(move |(source, caption, filename, voice, provider)| Media {
            kind,
            caption: caption.filter(|_| kind.has_caption()),
            filename: filename.filter(|_| kind == MediaKind::Document),
            voice: voice.filter(|_| kind == MediaKind::Audio),
            provider: provider.filter(|_| matches!(source, MediaSource::Link(_))),
            source,
            extra: Extra::default(),
        })
        .boxed()
}

/// A file as it may stand in the header of an interactive message or a template.
fn header_media() -> BoxedStrategy<Media> {
    let kinds = vec![MediaKind::Image, MediaKind::Video, MediaKind::Document];
    prop::sample::select(kinds).prop_flat_map(media).prop_map(|media| Media { caption: None, ..media }).boxed()
}

fn location() -> impl Strategy<Value = Location> {
    (-90.0..=90.0, -180.0..=180.0, sometimes((text(60), sometimes(text(60))))).prop_map(
        |(latitude, longitude, place)| {
            let (name, address) = place.map_or((None, None), |(name, address)| (Some(name), address));
            Location { latitude, longitude, name, address, extra: Extra::default() }
        },
    )
}

fn contact() -> impl Strategy<Value = Contact> {
    let name_parts = btree_map(prop::sample::select(Contact::NAME_PARTS.to_vec()), text(30), 1..4);
    let entries = btree_map(prop::sample::select(vec!["type", "phone", "email", "url", "city"]), text(30), 1..3);
    let lists = btree_map(prop::sample::select(Contact::LISTS.to_vec()), vec(entries, 1..3), 0..3);
    let birthday = rarely("19[0-9]{2}-0[1-9]-[12][0-8]");
    let company = sometimes(text(30));
    (text(60), name_parts, lists, birthday, company).prop_map(
        |(formatted_name, name_parts, lists, birthday, company)| {
            let name_parts = name_parts.into_iter().map(|(part, text)| (part.to_owned(), json!(text))).collect();
            let mut details: Map<_, _> =
                lists.into_iter().map(|(list, entries)| (list.to_owned(), json!(entries))).collect();
            details.extend(birthday.map(|date| ("birthday".to_owned(), json!(date))));
            details.extend(company.map(|company| ("org".to_owned(), json!({"company": company}))));
            Contact { formatted_name, name_parts, details }
        },
    )
}

fn reaction() -> impl Strategy<Value = Reaction> {
    let emoji = prop::sample::select(vec!["", "👍", "❤️", "🏳️‍🌈"]);
    let reaction =
        |(message_id, emoji): (_, &str)| Reaction { message_id, emoji: emoji.into(), extra: Extra::default() };
    (message_id(), emoji).prop_map(reaction)
}

fn interactive() -> impl Strategy<Value = Interactive> {
    let any_header = || option::weighted(0.3, prop_oneof![text_header(), file_header()]).boxed();
    let body = || paragraph(1024).prop_map(Some).boxed();
    let (text_only, none) = (|| option::weighted(0.3, text_header()).boxed(), || Just(None).boxed());
    prop_oneof![
        3 => interactive_of(buttons().boxed(), any_header(), body()),
        3 => interactive_of(list().boxed(), text_only(), body()),
        1 => interactive_of(product().boxed(), none(), option::of(paragraph(1024)).boxed()),
        1 => interactive_of(product_list().boxed(), text_header().prop_map(Some).boxed(), body()),
        3 => interactive_of(named().boxed(), any_header(), body()),
    ]
}

fn interactive_of(
    action: BoxedStrategy<Action>,
    header: BoxedStrategy<Option<Header>>,
    body: BoxedStrategy<Option<Paragraph>>,
) -> BoxedStrategy<Interactive> {
    (action, header, body, option::weighted(0.3, paragraph(60)))
        .prop_map(|(action, header, body, footer)| Interactive {
            action,
            header,
            body,
            footer,
            extra: Extra::default(),
            action_extra: Extra::default(),
        })
        .boxed()
}

fn paragraph(max: usize) -> impl Strategy<Value = Paragraph> {
    text(max).prop_map(|text| Paragraph { text, extra: Extra::default() })
}

fn text_header() -> impl Strategy<Value = Header> {
    text(60).prop_map(|text| Header { content: HeaderContent::Text(text), extra: Extra::default() })
}

fn file_header() -> impl Strategy<Value = Header> {
    header_media().prop_map(|media| Header { content: HeaderContent::Media(media), extra: Extra::default() })
}

fn buttons() -> impl Strategy<Value = Action> {
    vec((id(), text(20)), 1..=3).prop_map(|buttons| {
        let mut titles = HashSet::new();
        let buttons = buttons.into_iter().filter(|(_, title)| titles.insert(title.clone()));
        let buttons = buttons.map(|(id, title)| ReplyButton { id, title, extra: ButtonExtra::default() });
        Action::Buttons(buttons.collect())
    })
}

fn list() -> impl Strategy<Value = Action> {
    let row = (id(), text(24), sometimes(text(72))).prop_map(|(id, title, description)| ListRow {
        id,
        title,
        description,
        extra: Extra::default(),
    });
    let section = (text(24), vec(row, 1..=3)).prop_map(|(title, rows)| ListSection {
        title: Some(title),
        rows,
        extra: Extra::default(),
    });
    (text(20), vec(section, 1..=3), any::<bool>()).prop_map(|(button, mut sections, titled)| {
        if let ([section], false) = (&mut sections[..], titled) {
            section.title = None;
        }
        Action::List { button, sections }
    })
}

fn product() -> impl Strategy<Value = Action> {
    (digits(), id()).prop_map(|(catalog_id, product_retailer_id)| Action::Product { catalog_id, product_retailer_id })
}

fn product_list() -> impl Strategy<Value = Action> {
    let item = id().prop_map(|product_retailer_id| ProductItem { product_retailer_id, extra: Extra::default() });
    let section = (text(24), vec(item, 1..=10)).prop_map(|(title, products)| ProductSection {
        title: Some(title),
        products,
        extra: Extra::default(),
    });
    (digits(), vec(section, 1..=3)).prop_map(|(catalog_id, sections)| Action::ProductList { catalog_id, sections })
}

fn named() -> BoxedStrategy<Action> {
    prop_oneof![
        4 => (text(20), link()).prop_map(|(label, url)| named_with("cta_url", "cta_url", json!({"display_text": label, "url": url}))),
        2 => (digits(), "[A-Za-z ]{0,28}[a-z]").prop_map(|(flow, label)| {
            let label = label.trim();
            named_with("flow", "flow", json!({"flow_message_version": "3", "flow_id": flow, "flow_cta": label}))
        }),
        1 => Just(named_with("location_request_message", "send_location", Value::Null)),
        1 => id().prop_map(|product| {
            named_with("catalog_message", "catalog_message", json!({"thumbnail_product_retailer_id": product}))
        }),
        1 => Just(named_with("address_message", "address_message", json!({"country": "IN"}))),
        1 => Just(named_with("call_permission_request", "call_permission_request", Value::Null)),
        1 => ("x_[a-z]{1,8}", json()).prop_map(|(kind, value)| named_with(&kind, &kind, value)),
    ].boxed()
}

fn named_with(kind: &str, name: &str, parameters: Value) -> Action {
    let mut action = Map::new();
    action.insert("name".to_owned(), name.into());
    if !parameters.is_null() {
        action.insert("parameters".to_owned(), parameters);
    }
    Action::Named { kind: kind.to_owned(), action }
}

fn template() -> impl Strategy<Value = Template> {
    let policy = rarely(Just("deterministic".to_owned()));
    (
        "[a-z][a-z0-9_]{0,20}",
        "[a-z]{2}(_[A-Z]{2})?",
        policy,
        rarely(id()),
        sometimes(header_component()),
        sometimes(body_component()),
        vec(button_component(), 0..3),
        rarely(other_component()),
    )
        .prop_map(|(name, language, policy, namespace, header, body, buttons, other)| {
            let buttons = buttons.into_iter().zip(0..).map(|(button, at)| Component { index: Some(at), ..button });
            let components = header.into_iter().chain(body).chain(buttons).chain(other).collect();
            let (extra, language_extra) = (Extra::default(), Extra::default());
            Template { name, language, policy, namespace, components, extra, language_extra }
        })
}

fn component(kind: ComponentKind, sub_type: Option<&str>, parameters: Vec<Parameter>) -> Component {
    Component { kind, sub_type: sub_type.map(str::to_owned), index: None, parameters, extra: Extra::default() }
}

fn header_component() -> BoxedStrategy<Component> {
    let value = prop_oneof![
        1 => text(60).prop_map(ParameterValue::Text),
        2 => header_media().prop_map(ParameterValue::Media),
    ];
    value.prop_map(|value| component(ComponentKind::Header, None, vec![positional(value)])).boxed()
}

fn body_component() -> BoxedStrategy<Component> {
    let named = vec(("[a-z]{1,8}", text(60)), 1..4)
        .prop_map(|texts| texts.into_iter().map(|(name, text)| named_text(name, text)).collect::<Vec<_>>());
    let in_order = vec(body_value().prop_map(positional), 1..4);
    prop_oneof![1 => named, 4 => in_order]
        .prop_map(|parameters| component(ComponentKind::Body, None, parameters))
        .boxed()
}

fn body_value() -> impl Strategy<Value = ParameterValue> {
    prop_oneof![
        6 => text(60).prop_map(ParameterValue::Text),
        1 => (1..100_000_u32).prop_map(|amount| {
            other_value("currency", json!({"fallback_value": "EUR", "code": "EUR", "amount_1000": amount}))
        }),
        1 => text(20).prop_map(|text| other_value("date_time", json!({"fallback_value": text}))),
    ]
}

fn button_component() -> BoxedStrategy<Component> {
    let (payload, suffix) = (id().prop_map(ParameterValue::Payload), text(30).prop_map(ParameterValue::Text));
    let coupon = id().prop_map(|code| other_value("coupon_code", json!(code)));
    let (quick_reply, url, copy_code) = ("quick_reply", "url", "copy_code");
    prop_oneof![
        3 => payload.prop_map(move |value| component(ComponentKind::Button, Some(quick_reply), vec![positional(value)])),
        3 => suffix.prop_map(move |value| component(ComponentKind::Button, Some(url), vec![positional(value)])),
        1 => coupon.prop_map(move |value| component(ComponentKind::Button, Some(copy_code), vec![positional(value)])),
    ].boxed()
}

fn other_component() -> BoxedStrategy<Component> {
    let value =
        (1..2_000_000_000_u64).prop_map(|ms| other_value("limited_time_offer", json!({"expiration_time_ms": ms})));
    let kind = || ComponentKind::Other("limited_time_offer".to_owned());
    value.prop_map(move |value| component(kind(), None, vec![positional(value)])).boxed()
}

fn other_value(kind: &str, value: Value) -> ParameterValue {
    ParameterValue::Other { kind: kind.to_owned(), members: Map::from_iter([(kind.to_owned(), value)]) }
}

fn positional(value: ParameterValue) -> Parameter {
    Parameter { name: None, value, extra: Extra::default() }
}

fn named_text(name: String, text: String) -> Parameter {
    Parameter { name: Some(name), ..positional(ParameterValue::Text(text)) }
}

fn read_mark() -> impl Strategy<Value = ReadMark> {
    let typing = sometimes(Just(Map::from_iter([("type".to_owned(), json!("text"))])));
    (rarely(digits()), message_id(), typing).prop_map(|(sender, message_id, typing)| ReadMark {
        sender,
        message_id,
        typing,
        extra: Extra::default(),
    })
}

fn relay() -> impl Strategy<Value = Relay> {
    let channels: Vec<_> = Channel::ALL.into_iter().filter(|channel| *channel != Channel::Whatsapp).collect();
    (prop::sample::select(channels), digits(), text(100), references(), callbacks()).prop_map(
        |(channel, to, text, references, callbacks)| {
            let body = json!({"from": "DEPOT", "to": format!("+{to}"), "type": "text", "message": text});
            let body = body.as_object().cloned().unwrap_or_default();
            Relay { channel, body, references, callbacks, extra: Extra::default() }
        },
    )
}
