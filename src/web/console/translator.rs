//! A request in one dialect as every other would say it: what `sabir translate` prints, side by side.

use askama::Template;
use axum::extract::{Form, Query, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::Value;

use super::json::{self, Shown};
use crate::dialect::{self, Decoded, Dialect, Losses, SENDER, Target, golden_sends};
use crate::model::{Request, Warning};
use crate::web::page::{Frame, Operator, Section, show};
use crate::web::{Shared, body};

#[derive(Template)]
#[template(path = "console/translator.html")]
struct Page {
    frame: Frame,
    dialects: Vec<&'static str>,
    chosen: String,
    body: String,
    /// Why it was not understood.
    problem: Option<String>,
    understood: Option<Shown>,
    said: Vec<Said>,
}

/// The request in one dialect.
struct Said {
    dialect: &'static str,
    /// Where it would go, and what; or why it cannot be said.
    request: Result<(String, Shown), String>,
    losses: Vec<Warning>,
}

/// The form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    from: String,
    body: String,
}

/// `GET /console/translator`: with an example of the dialect, to begin with.
pub async fn page(operator: Operator, Query(asked): Query<Asked>) -> Response {
    let from = dialect::named(&asked.from).unwrap_or_else(dialect::reference);
    let example = golden_sends(from).into_iter().find(|golden| golden.name.contains("text"));
    let example = example.and_then(|golden| serde_json::to_string_pretty(&golden.request.body).ok());
    show(&Page::new(operator, from.name(), example.unwrap_or_default()))
}

/// `POST /console/translator`
pub async fn translate(State(state): State<Shared>, operator: Operator, Form(asked): Form<Asked>) -> Response {
    let from = dialect::named(&asked.from).unwrap_or_else(dialect::reference);
    let page = Page::new(operator, from.name(), asked.body.clone());
    let understood = body::json(asked.body.as_bytes()).and_then(|body: Value| dialect::understand(from, body));
    let understood = match understood {
        Ok(understood) => understood,
        Err(fault) => return show(&Page { problem: Some(fault.to_string()), ..page }),
    };
    let model = serde_json::to_value(&understood.value).unwrap_or_default();
    let sender = state.delivery.directory().upstreams().find_map(|upstream| upstream.sender.clone());
    let target = Target {
        sender: sender.as_deref().or(Some(SENDER)),
        template_namespace: Some("namespace"),
        ..Target::default()
    };
    let said = dialect::all().iter().map(|to| say(&understood, (from, *to), &target)).collect();
    show(&Page { understood: Some(json::value(&model)), said, ..page })
}

fn say(understood: &Decoded<Request>, between: (&dyn Dialect, &'static dyn Dialect), target: &Target<'_>) -> Said {
    let dialect = between.1.name();
    match dialect::say(understood, between, Losses::Warn, target) {
        Ok(Decoded { value, warnings }) => {
            let body = serde_json::from_slice(value.body()).unwrap_or(Value::Null);
            let place = format!("{} {}", value.method(), value.uri().path());
            Said { dialect, request: Ok((place, json::value(&body))), losses: warnings }
        }
        Err(fault) => Said { dialect, request: Err(fault.to_string()), losses: Vec::new() },
    }
}

impl Page {
    fn new(operator: Operator, chosen: &str, body: String) -> Self {
        Self {
            frame: Frame::new("Translator", Section::Translator, operator),
            dialects: dialect::all().iter().map(|dialect| dialect.name()).collect(),
            chosen: chosen.to_owned(),
            body,
            problem: None,
            understood: None,
            said: Vec::new(),
        }
    }
}
