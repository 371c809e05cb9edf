//! `sabir check`

use serde_json::json;

use super::terms::counted;
use super::{CliError, Context, print, print_json, problem};
use crate::config::{self, Problem};

/// Reports every fault at once; 0 where the configuration can be run, 78 where not.
pub fn check(context: &Context) -> Result<(), CliError> {
    let loaded = config::load(context.config.as_deref());
    if context.json {
        let (warnings, problems) = match &loaded {
            Ok(loaded) => (describe(&loaded.warnings), Vec::new()),
            Err(problems) => (Vec::new(), describe(&problems.0)),
        };
        print_json(&json!({ "ok": loaded.is_ok(), "problems": problems, "warnings": warnings }))?;
    }
    let loaded = loaded?;
    if !context.json {
        for warning in &loaded.warnings {
            print(problem::warning(warning))?;
        }
        let config = loaded.config;
        print(format_args!(
            "the configuration can be run: {}, {}, {}",
            counted(config.accounts.len(), "account"),
            counted(config.upstreams.len(), "upstream"),
            counted(config.routes.len(), "route"),
        ))?;
    }
    Ok(())
}

fn describe(problems: &[Problem]) -> Vec<serde_json::Value> {
    let describe = |problem: &Problem| {
        let place = problem.place.as_ref();
        json!({
            "key": problem.key,
            "text": problem.text,
            "meaning": config::meaning(&problem.key),
            "origin": problem.origin,
            "line": place.map(|place| place.line),
            "column": place.map(|place| place.column),
        })
    };
    problems.iter().map(describe).collect()
}
