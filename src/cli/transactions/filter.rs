//! Which transactions a command means: one by any of its ids, or those that have something in common.

use url::form_urlencoded::{Serializer, byte_serialize};

use crate::cli::terms::{Named, dialects, one_of, parse_time};
use crate::model::{Kind, State};

/// Where the admin API has them.
pub const PATH: &str = "/admin/v1/transactions";

/// What transactions have in common.
#[derive(Debug, clap::Args)]
pub struct Filter {
    /// Of this account.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Of clients that speak this dialect.
    #[arg(long, value_parser = dialects(), value_name = "NAME")]
    dialect: Option<Named>,
    /// Over this upstream.
    #[arg(long, value_name = "NAME")]
    upstream: Option<String>,
    /// In this state.
    #[arg(long, value_parser = one_of(State::ALL.map(State::as_str), State::named))]
    state: Option<State>,
    /// Of this kind.
    #[arg(long, value_parser = one_of(Kind::ALL.map(Kind::as_str), Kind::named))]
    kind: Option<Kind>,
    /// To this recipient: its number with the country code, or its id.
    #[arg(long, value_name = "NUMBER")]
    recipient: Option<String>,
    /// With this fault, by its code.
    #[arg(long, value_name = "CODE")]
    fault: Option<String>,
    /// Received at this time or later: 2026-03-02T07:15:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    since: Option<String>,
    /// Received before this time.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    until: Option<String>,
}

impl Filter {
    /// The state that it names.
    pub fn state(&self) -> Option<State> {
        self.state
    }

    /// The parameters that are given, as the admin API names them.
    pub fn parameters(&self) -> impl Iterator<Item = (&'static str, String)> {
        let parameters = [
            ("account", self.account.clone()),
            ("dialect", self.dialect.map(|Named(dialect)| dialect.name().to_owned())),
            ("upstream", self.upstream.clone()),
            ("state", self.state.map(|state| state.to_string())),
            ("kind", self.kind.map(|kind| kind.as_str().to_owned())),
            ("recipient", self.recipient.clone()),
            ("fault", self.fault.clone()),
            ("since", self.since.clone()),
            ("until", self.until.clone()),
        ];
        parameters.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// The same as a query.
    pub fn query(&self) -> String {
        Serializer::new(String::new()).extend_pairs(self.parameters()).finish()
    }
}

/// The admin API's path of a transaction, by any of its ids.
pub fn path_of(id: &str) -> String {
    let id: String = byte_serialize(id.as_bytes()).collect();
    format!("{PATH}/{id}")
}
