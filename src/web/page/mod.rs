//! What all pages for people have in common: one frame, one style, one policy, one door.
//!
//! A page is a template that extends `page/layout.html` and has a [`Frame`] in its member `frame`; [`show`] makes an answer
//! of it. [`for_operators`] puts the door before routes: a handler behind it takes an [`Operator`], and a POST comes from a
//! page of ours. Pages work without a script; `live.js` only keeps some parts of them up to date.

mod assets;
mod operator;
mod stream;

use std::fmt;

use askama::Template;
pub use assets::asset;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
pub use operator::{Operator, for_operators, from_our_pages, sign_in, sign_in_form, sign_out, store_away};
pub use stream::{Live, Teller, event, stream};

/// Nothing but our own style, script and pictures; nothing within a page runs, nobody frames it, and its forms go nowhere
/// else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where a page stands in the head of all pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// How the gateway is doing.
    Overview,
    /// The record.
    Transactions,
    /// What comes in now.
    Live,
    /// What clients are told.
    Callbacks,
    /// Accounts, upstreams and routes.
    Setup,
    /// One dialect's request in the words of all.
    Translator,
    /// The simulated provider's inbox.
    Sandbox,
    /// What may be called.
    Reference,
    /// None of them.
    Elsewhere,
}

impl Section {
    /// Those that the head leads to, in its order.
    const SHOWN: [Self; 8] = [
        Self::Overview,
        Self::Transactions,
        Self::Live,
        Self::Callbacks,
        Self::Setup,
        Self::Translator,
        Self::Sandbox,
        Self::Reference,
    ];

    /// Its first page.
    pub fn path(self) -> &'static str {
        match self {
            Self::Overview | Self::Elsewhere => "/console",
            Self::Transactions => "/console/transactions",
            Self::Live => "/console/live",
            Self::Callbacks => "/console/callbacks",
            Self::Setup => "/console/setup",
            Self::Translator => "/console/translator",
            Self::Sandbox => "/sandbox",
            Self::Reference => "/docs",
        }
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Overview => "Overview",
            Self::Transactions => "Transactions",
            Self::Live => "Live",
            Self::Callbacks => "Callbacks",
            Self::Setup => "Set-up",
            Self::Translator => "Translator",
            Self::Sandbox => "Sandbox",
            Self::Reference => "Reference",
            Self::Elsewhere => "Sabir",
        })
    }
}

/// What stands around a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The page's own title.
    pub title: String,
    /// Where it stands.
    pub section: Section,
    /// Whether its reader may sign out.
    pub signed_in: bool,
    /// Where the head leads.
    pub sections: &'static [Section],
}

impl Frame {
    /// Around a page that an operator sees.
    pub fn new(title: impl Into<String>, section: Section, operator: Operator) -> Self {
        Self { title: title.into(), section, signed_in: operator.is_signed_in(), sections: &Section::SHOWN }
    }

    /// Around a page that anybody may see.
    pub fn open(title: impl Into<String>, section: Section) -> Self {
        Self { title: title.into(), section, signed_in: false, sections: &Section::SHOWN }
    }

    /// Around a page of a sandbox that is a process of its own: there is nothing else to go to.
    pub fn alone(title: impl Into<String>) -> Self {
        Self { sections: &[Section::Sandbox], ..Self::open(title, Section::Sandbox) }
    }

    /// The first page, for the template.
    pub fn home(&self) -> &'static str {
        self.sections.first().map_or("/console", |section| section.path())
    }

    /// The address of an asset, for the template.
    pub fn asset(&self, name: &str) -> String {
        assets::path(name)
    }
}

/// A page that says what went wrong, and what to do.
#[derive(Template)]
#[template(path = "page/trouble.html")]
struct Trouble<'a> {
    frame: Frame,
    text: &'a str,
}

/// A page as an answer.
pub fn show(page: &impl Template) -> Response {
    show_as(StatusCode::OK, page)
}

/// As [`show`], with another status.
pub fn show_as(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, headers(), text).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A page for what cannot be shown or done.
pub fn trouble(status: StatusCode, title: &str, text: &str) -> Response {
    show_as(status, &Trouble { frame: Frame::open(title, Section::Elsewhere), text })
}

/// What every page is sent with. `same-origin`, because browsers hide where a form comes from under stricter policies, and
/// that is what the door goes by.
fn headers() -> [(header::HeaderName, HeaderValue); 5] {
    [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ]
}
