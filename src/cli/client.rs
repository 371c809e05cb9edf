//! Calls to a running gateway.

use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use bytesize::ByteSize;
use http::{Request, Response, header};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{CliError, runtime};
use crate::net;

/// Where the gateway is.
#[derive(Debug, clap::Args)]
pub struct Gateway {
    /// The gateway's address.
    #[arg(long, env = "SABIR_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub url: String,
}

/// Where the admin API is, and what opens it.
#[derive(Debug, clap::Args)]
pub struct Admin {
    #[command(flatten)]
    gateway: Gateway,
    /// The admin token; not needed on the gateway's own machine where none is configured.
    #[arg(long, env = "SABIR_ADMIN_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
}

impl Gateway {
    /// Makes one call.
    pub fn call(&self, request: http::request::Builder, path: &str, body: Bytes) -> Result<Response<Bytes>, CliError> {
        let request = request.uri(format!("{}{path}", self.url.trim_end_matches('/')));
        let request: Request<Bytes> = request
            .body(body)
            .context("the gateway's address is no address; give one such as http://127.0.0.1:8080")?;
        let config = net::Config {
            connect_timeout: Duration::from_secs(5),
            first_byte_timeout: Duration::from_secs(60),
            total_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(1),
            idle_connections: 1,
            allow_private: Vec::new(),
            max_answer: ByteSize::mib(64),
        };
        let answer =
            runtime()?.block_on(async { net::Client::new(&config)?.call(request).await.map_err(anyhow::Error::from) });
        answer.map_err(|error| {
            CliError::Unreachable(error.context(format!("no answer from the gateway at {}", self.url)))
        })
    }
}

impl Admin {
    /// Reads from the admin API; none where it has no such object.
    pub fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, CliError> {
        let answer = self.gateway.call(self.with_token(Request::get("/")), path, Bytes::new())?;
        match answer.status().as_u16() {
            200 => read(&answer).map(Some),
            404 => Ok(None),
            _ => Err(refused(&answer)),
        }
    }

    /// Has the admin API change something. What it will not do is a negative answer, in its words.
    pub fn post<T: DeserializeOwned>(&self, path: &str, body: &Value) -> Result<T, CliError> {
        let request = self.with_token(Request::post("/")).header(header::CONTENT_TYPE, "application/json");
        let answer = self.gateway.call(request, path, body.to_string().into())?;
        match answer.status().as_u16() {
            200 => read(&answer),
            404 | 409 => Err(CliError::Negative(reason(answer.body()))),
            _ => Err(refused(&answer)),
        }
    }

    fn with_token(&self, request: http::request::Builder) -> http::request::Builder {
        match &self.token {
            Some(token) => request.header(header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }
}

fn read<T: DeserializeOwned>(answer: &Response<Bytes>) -> Result<T, CliError> {
    Ok(serde_json::from_slice(answer.body()).context("the gateway's answer cannot be read")?)
}

fn refused(answer: &Response<Bytes>) -> CliError {
    let status = answer.status().as_u16();
    let error = anyhow!("the gateway answered {status}: {}", reason(answer.body()));
    // 503: it runs and cannot reach its store.
    if status == 503 { CliError::Unreachable(error) } else { CliError::Failed(error) }
}

/// The admin API's own words, or whatever else came.
fn reason(body: &[u8]) -> String {
    let said = serde_json::from_slice::<Value>(body).ok();
    let words = said.as_ref().and_then(|said| said.get("error")?.as_str());
    words.map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned)
}
