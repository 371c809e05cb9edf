//! Links that run out: when, as far as their query tells.

use time::format_description::well_known::Iso8601;
use time::macros::format_description;
use time::{Duration, OffsetDateTime, PrimitiveDateTime};
use url::Url;

/// When a signed link runs out.
pub fn runs_out(url: &Url) -> Option<OffsetDateTime> {
    let of = |wanted: &str| {
        let found = url.query_pairs().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
        found.map(|(_, value)| value.into_owned())
    };
    let lives = |begin: &str, seconds: &str| {
        let life = of(seconds)?.parse::<u32>().ok()?;
        compact(&of(begin)?)?.checked_add(Duration::seconds(life.into()))
    };
    let at_second = || OffsetDateTime::from_unix_timestamp(of("Expires")?.parse().ok()?).ok();
    let at_time = || OffsetDateTime::parse(&of("se")?, &Iso8601::DEFAULT).ok();
    lives("X-Amz-Date", "X-Amz-Expires")
        .or_else(|| lives("X-Goog-Date", "X-Goog-Expires"))
        .or_else(at_second)
        .or_else(at_time)
}

/// When an origin says that a link ran out, in its report about it.
pub fn ran_out(report: &str) -> Option<OffsetDateTime> {
    let (_, rest) = report.split_once("<Expires>")?;
    OffsetDateTime::parse(rest.split_once('<')?.0.trim(), &Iso8601::DEFAULT).ok()
}

/// `20240101T000000Z`
fn compact(text: &str) -> Option<OffsetDateTime> {
    let form = format_description!("[year][month][day]T[hour][minute][second]Z");
    PrimitiveDateTime::parse(text, form).ok().map(PrimitiveDateTime::assume_utc)
}

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_end_of_a_signed_link_stands_in_its_query() {
        for (query, end) in [
            ("X-Amz-Date=20240101T000000Z&X-Amz-Expires=300&X-Amz-Signature=00", Some(datetime!(2024-01-01 0:05 UTC))),
            ("x-goog-date=20240101T000000Z&x-goog-expires=60", Some(datetime!(2024-01-01 0:01 UTC))),
            ("Expires=1704067500&Signature=x", Some(datetime!(2024-01-01 0:05 UTC))),
            ("sv=2022&se=2024-01-01T00%3A05%3A00Z&sig=x", Some(datetime!(2024-01-01 0:05 UTC))),
            ("Expires=never&v=1", None),
            ("X-Amz-Date=20240101T000000Z&X-Amz-Expires=-1", None),
        ] {
            let url = Url::parse(&format!("https://example.com/a?{query}")).unwrap();
            assert_eq!(runs_out(&url), end, "{query}");
        }
    }

    #[test]
    fn a_report_says_when_the_link_ran_out() {
        let report = "<Error><Message>Request has expired</Message><Expires>2024-01-01T00:05:00Z</Expires></Error>";
        assert_eq!(ran_out(report), Some(datetime!(2024-01-01 0:05 UTC)));
        assert_eq!(ran_out("<Error/>"), None);
    }
}
