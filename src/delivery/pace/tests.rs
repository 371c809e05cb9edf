//! The pace of an upstream, at chosen times.

use super::*;

const SHOP: Whom<'_> = Whom { sender: "shop", pair: Some("shop>ann") };
const HOUR: Duration = Duration::from_secs(3600);

fn paced(limits: Limits) -> (Pace, Instant) {
    let now = Instant::now();
    (Pace::new(limits, now), now)
}

fn rate(rate: f64, burst: u32) -> Limits {
    Limits { rate: Some(rate), burst, ..Limits::default() }
}

/// How long after `now` each of so many messages may go.
fn waits(pace: &mut Pace, now: Instant, whom: Whom<'_>, count: usize) -> Vec<u128> {
    (0..count).map(|_| (pace.reserve(now, now + HOUR, whom).unwrap() - now).as_millis()).collect()
}

#[test]
fn without_limits_everything_goes_at_once() {
    let (mut pace, now) = paced(Limits::default());
    assert_eq!(waits(&mut pace, now, SHOP, 1000), vec![0; 1000]);
    assert_eq!(pace.room(now, now), u32::MAX);
}

#[test]
fn an_upstream_gets_its_burst_and_then_its_rate() {
    let (mut pace, now) = paced(rate(10.0, 3));
    assert_eq!(waits(&mut pace, now, SHOP, 6), [0, 0, 0, 100, 200, 300]);
    let later = now + Duration::from_secs(10);
    assert_eq!(waits(&mut pace, later, SHOP, 5), [0, 0, 0, 100, 200], "a pause fills no more than the burst");
}

#[test]
fn gateways_on_one_database_share_a_rate() {
    let (mut pace, now) = paced(rate(10.0, 1));
    pace.shared_by(4);
    assert_eq!(waits(&mut pace, now, SHOP, 3), [0, 400, 800]);
}

#[test]
fn a_time_that_is_too_late_is_not_reserved() {
    let (mut pace, now) = paced(rate(1.0, 1));
    assert_eq!(pace.reserve(now, now, SHOP), Ok(now));
    for _ in 0..5 {
        assert_eq!(pace.reserve(now, now, SHOP), Err(now + Duration::from_secs(1)));
    }
}

#[test]
fn room_is_what_could_be_reserved() {
    for (per_second, burst, taken) in [(10.0, 3, 0), (10.0, 3, 2), (10.0, 3, 7), (1000.0, 1, 5), (0.5, 1, 1)] {
        let (mut pace, now) = paced(rate(per_second, burst));
        waits(&mut pace, now, SHOP, taken);
        let until = now + Duration::from_millis(500);
        let room = pace.room(now, until);
        let fits = (0..10_000).take_while(|_| pace.reserve(now, until, SHOP).is_ok()).count();
        assert_eq!(room as usize, fits, "{per_second} {burst} {taken}");
    }
}

#[test]
fn messages_of_a_pair_are_spaced_after_its_burst_and_no_other_pair_waits() {
    let limits = Limits { pair_interval: Some(Duration::from_secs(6)), pair_burst: 45, ..Limits::default() };
    let (mut pace, now) = paced(limits);
    let waits_of_ann = waits(&mut pace, now, SHOP, 47);
    assert_eq!(waits_of_ann[44..], [0, 6000, 12_000]);
    let bob = Whom { pair: Some("shop>bob"), ..SHOP };
    assert_eq!(waits(&mut pace, now, bob, 1), [0]);
    let nobody = Whom { pair: None, ..SHOP };
    assert_eq!(waits(&mut pace, now, nobody, 1), [0]);
}

#[test]
fn a_pair_that_went_too_fast_has_no_burst_left() {
    let (mut pace, now) = paced(Limits::default());
    pace.slow_down(now, SHOP, &Fault::upstream(FaultKind::PairRateLimited, ""));
    assert_eq!(waits(&mut pace, now, SHOP, 3), [6000, 12_000, 18_000], "by the vendor's own limit");
    assert_eq!(waits(&mut pace, now, Whom { pair: Some("shop>bob"), ..SHOP }, 1), [0]);
}

#[test]
fn a_sender_that_went_too_fast_halts_and_goes_on_at_half_its_pace() {
    let (mut pace, now) = paced(Limits::default());
    waits(&mut pace, now, SHOP, 20);
    let told = Fault::upstream(FaultKind::RateLimited, "").retry_after(Some(Duration::from_secs(7)));
    pace.slow_down(now, SHOP, &told);
    let waits_of_shop = waits(&mut pace, now, SHOP, 3);
    assert_eq!(waits_of_shop, [7000, 7100, 7199], "ten a second, and a little more with time");
    assert_eq!(waits(&mut pace, now, Whom { sender: "depot", pair: None }, 1), [0], "another sender does not wait");
}

#[test]
fn what_a_sender_did_is_told_by_the_busier_of_its_last_two_seconds() {
    let (mut pace, now) = paced(Limits::default());
    waits(&mut pace, now, SHOP, 20);
    let later = now + Duration::from_millis(1200);
    waits(&mut pace, later, SHOP, 1);
    pace.slow_down(later, SHOP, &Fault::upstream(FaultKind::RateLimited, ""));
    assert_eq!(waits(&mut pace, later, SHOP, 2), [1000, 1100]);
}

#[test]
fn a_slowed_sender_recovers() {
    let (mut pace, now) = paced(rate(4.0, 4));
    waits(&mut pace, now, SHOP, 4);
    pace.slow_down(now, SHOP, &Fault::upstream(FaultKind::RateLimited, ""));
    assert_eq!(waits(&mut pace, now, SHOP, 2), [1000, 1500]);
    let later = now + Duration::from_secs(60);
    assert_eq!(waits(&mut pace, later, SHOP, 5), [0, 0, 0, 0, 250], "as configured again");
}

#[test]
fn each_further_fault_halves_again_and_never_stops() {
    let (mut pace, now) = paced(Limits::default());
    waits(&mut pace, now, SHOP, 8);
    for _ in 0..20 {
        pace.slow_down(now, SHOP, &Fault::upstream(FaultKind::RateLimited, ""));
    }
    let waits = waits(&mut pace, now, SHOP, 2);
    assert_eq!(waits, [1000, 11_000], "a message in ten seconds is the least");
    let later = now + Duration::from_secs(5);
    assert_ne!(self::waits(&mut pace, later, SHOP, 3), [0; 3], "it is slow until it is as fast as before");
}

#[test]
fn pairs_that_are_done_are_forgotten() {
    let limits = Limits { pair_interval: Some(Duration::from_secs(6)), pair_burst: 45, ..Limits::default() };
    let (mut pace, mut now) = paced(limits);
    for nth in 0..100_000 {
        now += Duration::from_millis(10);
        let pair = format!("shop>{nth}");
        pace.reserve(now, now, Whom { sender: "shop", pair: Some(&pair) }).unwrap();
    }
    assert!(pace.pairs.len() <= 2048, "{} of 600 that are busy", pace.pairs.len());
}
