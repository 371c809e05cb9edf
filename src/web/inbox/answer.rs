//! What a person does on a page: writes, presses, reacts, sends a file or a place.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::Request;
use futures_util::StreamExt;
use http::header;
use multer::Multipart;

use super::host::Host;
use crate::model::{
    Extra, Fault, FaultKind, InboundContent, InboundMedia, Location, MediaKind, Place, Reaction, Written,
};
use crate::upstream::{Kept, Line, Person};

/// The largest form without its file, in bytes.
const MOST: usize = 256 * 1024;
/// Fields of a form.
const MOST_FIELDS: usize = 20;

/// What a form holds.
#[derive(Default)]
pub struct Form {
    fields: HashMap<String, String>,
    file: Option<Kept>,
}

impl Form {
    /// A field that is not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str).filter(|text| !text.trim().is_empty())
    }

    /// A field, which may be empty.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Reads a form of either encoding. A file in it is kept, as that of somebody who writes to that line.
    ///
    /// # Errors
    /// Where it cannot be read, or is too large.
    pub async fn read(host: &Host, line: &Line, request: Request) -> Result<Self, Fault> {
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        match kind.and_then(|kind| multer::parse_boundary(kind).ok()) {
            Some(boundary) => Self::read_parts(host, line, boundary, request.into_body()).await,
            None => Self::read_encoded(request.into_body()).await,
        }
    }

    async fn read_encoded(body: Body) -> Result<Self, Fault> {
        let bytes = axum::body::to_bytes(body, MOST).await.map_err(|_| unreadable())?;
        let fields = url::form_urlencoded::parse(&bytes).into_owned().take(MOST_FIELDS);
        Ok(Self { fields: fields.collect(), file: None })
    }

    async fn read_parts(host: &Host, line: &Line, boundary: String, body: Body) -> Result<Self, Fault> {
        let mut parts = Multipart::new(body.into_data_stream().boxed(), boundary);
        let mut form = Self::default();
        for _ in 0..MOST_FIELDS {
            let Some(part) = parts.next_field().await.map_err(|_| unreadable())? else { break };
            let name = part.name().unwrap_or_default().to_owned();
            match part.file_name() {
                // A browser sends an empty file where none was chosen.
                Some("") => {}
                Some(_) => form.file = Some(host.sandbox().take_file(line, part).await?),
                None => _ = form.fields.insert(name, text(part).await?),
            }
        }
        Ok(form)
    }
}

async fn text(mut part: multer::Field<'_>) -> Result<String, Fault> {
    let mut text = Vec::new();
    while let Some(chunk) = part.chunk().await.map_err(|_| unreadable())? {
        text.extend_from_slice(&chunk);
        if text.len() > MOST {
            return Err(unreadable());
        }
    }
    // Browsers send line ends as they stand in mails.
    Ok(String::from_utf8_lossy(&text).replace("\r\n", "\n"))
}

fn unreadable() -> Fault {
    Fault::client(FaultKind::MalformedBody, "the form broke off, or is too large; send it again, or less")
}

/// Does what a person did on the page of a talk. What nobody takes is marked there, so that is no error here.
///
/// # Errors
/// What the form lacks.
pub async fn answer(host: &Host, line: &Line, person: Person, form: Form) -> Result<(), Fault> {
    let about = form.text("about").map(str::to_owned);
    if let (Some(press), Some(about)) = (form.text("press"), &about) {
        return unless_nobody_takes_it(host.sandbox().press(about, press).await);
    }
    if let (Some(emoji), Some(message_id)) = (form.field("emoji"), about.clone()) {
        let (emoji, extra) = (emoji.trim().to_owned(), Extra::default());
        let reaction = InboundContent::Reaction(Reaction { message_id, emoji, extra });
        return unless_nobody_takes_it(host.sandbox().say(line, person, reaction, None).await);
    }
    let place = place(&form)?;
    let content = match (&form.file, form.text("text")) {
        (Some(file), caption) => Some(InboundContent::Media(media(file, caption))),
        (None, Some(text)) => Some(InboundContent::Text(Written { body: text.to_owned(), extra: Extra::default() })),
        (None, None) => None,
    };
    for content in content.into_iter().chain(place) {
        unless_nobody_takes_it(host.sandbox().say(line, person.clone(), content, about.clone()).await)?;
    }
    Ok(())
}

fn unless_nobody_takes_it(said: Result<String, Fault>) -> Result<(), Fault> {
    match said {
        Err(fault) if fault.kind != FaultKind::UpstreamUnavailable => Err(fault),
        _ => Ok(()),
    }
}

fn place(form: &Form) -> Result<Option<InboundContent>, Fault> {
    let degrees = |name: &str, most: f64| match form.text(name) {
        None => Ok(None),
        Some(text) => match text.trim().replace(',', ".").parse::<f64>() {
            Ok(degrees) if degrees.abs() <= most => Ok(Some(degrees)),
            _ => Err(Fault::invalid(name, format!("is no number of degrees from -{most} to {most}; give one"))),
        },
    };
    let (Some(latitude), Some(longitude)) = (degrees("latitude", 90.0)?, degrees("longitude", 180.0)?) else {
        return Ok(None);
    };
    let location = Location { latitude, longitude, name: None, address: None, extra: Extra::default() };
    Ok(Some(InboundContent::Location(Place { location, url: None })))
}

/// A file as somebody sends it: as what its type makes of it.
fn media(kept: &Kept, caption: Option<&str>) -> InboundMedia {
    let kind = match kept.file.mime_type.split('/').next() {
        Some("image") if kept.file.mime_type != "image/svg+xml" => MediaKind::Image,
        Some("video") => MediaKind::Video,
        Some("audio") => MediaKind::Audio,
        _ => MediaKind::Document,
    };
    InboundMedia {
        id: Some(kept.id.clone()),
        mime_type: Some(kept.file.mime_type.clone()),
        sha256: Some(kept.file.sha256.clone()),
        caption: caption.filter(|_| kind.has_caption()).map(str::to_owned),
        filename: kept.file.filename.clone().filter(|_| kind == MediaKind::Document),
        ..InboundMedia::new(kind)
    }
}
