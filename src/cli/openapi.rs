//! `sabir openapi`: the HTTP surface in OpenAPI 3.1, as a running gateway shows it under `/openapi.json`.

use super::{CliError, print_json};
use crate::openapi;

pub fn print_document() -> Result<(), CliError> {
    print_json(openapi::document())
}
