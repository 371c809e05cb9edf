//! Bodies of calls that are no sends: JSON as a rule, a form where an old plugin sends one, often nothing at all.

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, header};
use serde_json::{Map, Value};

use super::body;
use crate::model::{Fault, FaultKind};

/// The body, whatever its Content-Type says: clients put one on calls that have no body. Nothing is `null`.
///
/// # Errors
/// When it is neither JSON nor a form.
pub async fn parse(headers: &HeaderMap, bytes: Bytes) -> Result<Value, Fault> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Null);
    }
    match content_type(headers) {
        "multipart/form-data" => multipart(headers, bytes).await,
        "application/x-www-form-urlencoded" if !bytes.trim_ascii_start().starts_with(b"{") => urlencoded(&bytes),
        _ => body::json(&bytes),
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn urlencoded(bytes: &[u8]) -> Result<Value, Fault> {
    let fields = url::form_urlencoded::parse(bytes);
    if fields.count() > body::MAX_MEMBERS {
        return Err(body::too_many_members());
    }
    Ok(object(fields.map(|(name, value)| (name.into_owned(), value.into_owned()))))
}

async fn multipart(headers: &HeaderMap, bytes: Bytes) -> Result<Value, Fault> {
    let unreadable = |error| {
        Fault::client(FaultKind::MalformedBody, format!("the form cannot be read: {error}; send one JSON object"))
    };
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = multer::parse_boundary(value).map_err(unreadable)?;
    let whole = stream::iter([Ok::<_, std::convert::Infallible>(bytes)]);
    let mut form = multer::Multipart::new(whole, boundary);
    let mut fields = Vec::new();
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        fields.push((name, field.text().await.map_err(unreadable)?));
        if fields.len() > body::MAX_MEMBERS {
            return Err(body::too_many_members());
        }
    }
    Ok(object(fields.into_iter()))
}

/// A field is a member, and `contacts[]` or `contacts[3]` an entry of one.
fn object(fields: impl Iterator<Item = (String, String)>) -> Value {
    let mut members = Map::new();
    for (name, value) in fields {
        match name.split_once('[') {
            None => _ = members.insert(name, value.into()),
            Some((name, _)) => match members.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
                Value::Array(entries) => entries.push(value.into()),
                single => *single = value.into(),
            },
        }
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use serde_json::json;

    use super::*;

    async fn read(content_type: &'static str, body: &'static str) -> Result<Value, Fault> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        parse(&headers, Bytes::from_static(body.as_bytes())).await
    }

    #[tokio::test]
    async fn a_body_is_read_whatever_its_type_says() {
        for content_type in ["application/json", "text/plain", "application/x-www-form-urlencoded", ""] {
            assert_eq!(read(content_type, "").await, Ok(Value::Null), "{content_type}");
            assert_eq!(read(content_type, " {\"a\": 1}").await, Ok(json!({"a": 1})), "{content_type}");
        }
        assert_eq!(read("application/json", "null").await, Ok(Value::Null));
        assert_eq!(read("application/json", "{").await.unwrap_err().kind, FaultKind::MalformedBody);
    }

    #[tokio::test]
    async fn forms_are_read_as_objects() {
        let contacts = json!({"blocking": "wait", "contacts": ["+447700900123", "12"]});
        let encoded = "blocking=wait&contacts%5B%5D=%2B447700900123&contacts[1]=12";
        assert_eq!(read("application/x-www-form-urlencoded", encoded).await, Ok(contacts.clone()));
        let many = "a[]=1&".repeat(body::MAX_MEMBERS + 1).leak();
        assert_eq!(read("application/x-www-form-urlencoded", many).await, Err(body::too_many_members()));
        let parts = "--x\r\nContent-Disposition: form-data; name=\"blocking\"\r\n\r\nwait\r\n\
                     --x\r\nContent-Disposition: form-data; name=\"contacts[]\"\r\n\r\n+447700900123\r\n\
                     --x\r\nContent-Disposition: form-data; name=\"contacts[]\"\r\n\r\n12\r\n--x--\r\n";
        assert_eq!(read("multipart/form-data; boundary=x", parts).await, Ok(contacts));
        let broken = read("multipart/form-data; boundary=x", "--x\r\nContent-").await;
        assert_eq!(broken.unwrap_err().kind, FaultKind::MalformedBody);
    }
}
