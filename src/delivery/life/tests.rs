//! The state machine: each policy at chosen times, and all of it with evidence by chance.

use proptest::prelude::*;
use time::macros::datetime;

use super::*;

const START: OffsetDateTime = datetime!(2026-09-21 13:35:23 UTC);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

const HOLD: Policy = Policy {
    backoff: Backoff { first: Duration::from_millis(500), longest: Duration::from_secs(600) },
    give_up_after: DAY,
    unknown: OnUnknown::Hold,
    unknown_window: Duration::from_secs(900),
};
const RESEND: Policy = Policy { unknown: OnUnknown::Resend, ..HOLD };

fn standing(state: State) -> Standing {
    Standing { state, attempts: 1, since: START, lifetime: None }
}

fn fault(kind: FaultKind) -> Fault {
    Fault::upstream(kind, "")
}

fn after(state: State, kind: FaultKind, policy: &Policy) -> Step {
    next(&standing(state), Evidence::Failed { fault: &fault(kind), spare: false }, policy, START, 1.0)
}

#[test]
fn one_fault_has_one_verdict() {
    assert_eq!(after(State::Sending, FaultKind::WindowClosed, &HOLD), Step::End(State::Failed));
    assert_eq!(after(State::Sending, FaultKind::UpstreamUnreachable, &HOLD), Step::Wait(START + HOLD.backoff.first));
    assert_eq!(after(State::Sending, FaultKind::UpstreamTimeout, &HOLD), Step::Hold(None));
    assert!(matches!(after(State::Sending, FaultKind::UpstreamCredential, &HOLD), Step::Wait(_)));
    let rate = fault(FaultKind::RateLimited).retry_after(Some(MINUTE));
    let told = Evidence::Failed { fault: &rate, spare: false };
    assert_eq!(next(&standing(State::Sending), told, &HOLD, START, 0.0), Step::Wait(START + MINUTE));
}

#[test]
fn before_an_attempt_nothing_is_ambiguous() {
    assert!(matches!(after(State::Accepted, FaultKind::UpstreamTimeout, &HOLD), Step::Wait(_)));
}

#[test]
fn another_upstream_is_tried_at_once_where_nothing_went_out() {
    let over = |kind| {
        let fault = fault(kind);
        next(&standing(State::Sending), Evidence::Failed { fault: &fault, spare: true }, &HOLD, START, 1.0)
    };
    for kind in [FaultKind::UpstreamUnreachable, FaultKind::UpstreamUnavailable, FaultKind::UpstreamCredential] {
        assert_eq!(over(kind), Step::Wait(START), "{kind}");
    }
    assert_eq!(over(FaultKind::UpstreamTimeout), Step::Hold(None), "it may have gone out");
    assert_eq!(over(FaultKind::WindowClosed), Step::End(State::Failed), "it would fail there too");
    assert!(
        matches!(over(FaultKind::RateLimited), Step::Wait(at) if at > START),
        "too fast is no reason to go elsewhere"
    );
}

#[test]
fn a_message_that_grows_too_old_fails_instead_of_waiting() {
    let late = START + DAY - Duration::from_secs(1);
    let unreachable = fault(FaultKind::UpstreamUnreachable);
    let told = Evidence::Failed { fault: &unreachable, spare: false };
    assert_eq!(next(&standing(State::Sending), told, &HOLD, late, 1.0), Step::End(State::Failed));
    assert_eq!(next(&standing(State::Waiting), Evidence::Due, &HOLD, late, 1.0), Step::Begin);
    assert_eq!(next(&standing(State::Waiting), Evidence::Due, &HOLD, START + DAY, 1.0), Step::End(State::Failed));
}

#[test]
fn a_client_may_give_up_sooner_and_not_later() {
    let limited = |lifetime| Standing { lifetime: Some(lifetime), ..standing(State::Waiting) };
    let at = |lifetime, age: Duration| next(&limited(lifetime), Evidence::Due, &HOLD, START + age, 1.0);
    assert_eq!(at(MINUTE, MINUTE), Step::End(State::Failed));
    assert_eq!(at(30 * DAY, DAY), Step::End(State::Failed));
}

#[test]
fn an_unknown_is_held_or_sent_again_after_its_window() {
    let resend_at = START + RESEND.unknown_window;
    assert_eq!(after(State::Sending, FaultKind::UpstreamReset, &RESEND), Step::Hold(Some(resend_at)));
    assert_eq!(next(&standing(State::Sending), Evidence::Lapsed, &RESEND, START, 0.5), Step::Hold(Some(resend_at)));
    assert_eq!(next(&standing(State::Unknown), Evidence::Due, &RESEND, resend_at, 0.5), Step::Wait(resend_at));
    assert_eq!(next(&standing(State::Unknown), Evidence::Due, &HOLD, resend_at, 0.5), Step::Hold(None));
    assert_eq!(next(&standing(State::Unknown), Evidence::Due, &RESEND, START + DAY, 0.5), Step::Hold(None));
}

#[test]
fn operators_decide_what_fits_the_state() {
    let decide = |state, action| next(&standing(state), Evidence::Operator(action), &HOLD, START, 0.5);
    let (again, insisting) = (Action::Resend { forced: false }, Action::Resend { forced: true });
    assert_eq!(decide(State::Unknown, Action::SettleSent), Step::End(State::Sent));
    assert_eq!(decide(State::Unknown, Action::SettleFailed), Step::End(State::Failed));
    assert_eq!(decide(State::Unknown, again), Step::Wait(START));
    assert_eq!(decide(State::Failed, again), Step::Wait(START));
    assert_eq!(decide(State::Waiting, Action::GiveUp), Step::End(State::Failed));
    assert_eq!(decide(State::Sent, again), Step::Stay);
    assert_eq!(decide(State::Sent, insisting), Step::Wait(START));
    for action in [Action::SettleSent, Action::SettleFailed, again, insisting, Action::GiveUp] {
        assert_eq!(decide(State::Sending, action), Step::Stay, "an attempt is under way: its outcome comes first");
    }
}

#[test]
fn a_step_counts_where_it_is_higher_than_what_is_known() {
    let ladder = [State::Unknown, State::Sent, State::Delivered, State::Read];
    for (known, state) in ladder.into_iter().enumerate() {
        for (told, step) in ladder.into_iter().enumerate().skip(1) {
            let expected = if told > known { Step::End(step) } else { Step::Stay };
            let heard = next(&standing(state), Evidence::Status(step), &HOLD, START, 0.5);
            assert_eq!(heard, expected, "{state:?}, then {step:?}");
        }
    }
}

#[test]
fn late_news_unlearns_nothing() {
    let tell = |state, told| next(&standing(state), Evidence::Status(told), &HOLD, START, 0.5);
    assert_eq!(tell(State::Unknown, State::Delivered), Step::End(State::Delivered));
    assert_eq!(tell(State::Failed, State::Sent), Step::Stay, "a late step: the failure came after it");
    assert_eq!(tell(State::Failed, State::Delivered), Step::End(State::Delivered), "it went out after all");
    assert_eq!(tell(State::Read, State::Delivered), Step::Stay);
    assert_eq!(tell(State::Sent, State::Failed), Step::End(State::Failed));
    assert_eq!(tell(State::Delivered, State::Failed), Step::Stay);
    assert_eq!(tell(State::Waiting, State::Failed), Step::Stay, "the next attempt decides");
}

/// Evidence as a test draws it; it need make no sense.
fn evidence() -> impl Strategy<Value = (Drawn, u64)> {
    let kinds = prop::sample::select(FaultKind::ALL);
    let action = prop_oneof![
        Just(Action::SettleSent),
        Just(Action::SettleFailed),
        any::<bool>().prop_map(|forced| Action::Resend { forced }),
        Just(Action::GiveUp),
    ];
    let drawn = prop_oneof![
        6 => Just(Drawn::Due),
        2 => Just(Drawn::Accepted),
        6 => (kinds, any::<bool>(), prop::option::of(0..7200_u64)).prop_map(|(kind, spare, wait)| {
            let wait = wait.map(Duration::from_secs);
            Drawn::Failed(Fault::upstream(kind, "").retry_after(wait), spare)
        }),
        1 => Just(Drawn::Lapsed),
        1 => action.prop_map(Drawn::Operator),
        1 => prop::sample::select(&State::ALL[..]).prop_map(Drawn::Status),
    ];
    (drawn, 0..7200_u64)
}

#[derive(Clone, Debug)]
enum Drawn {
    Due,
    Accepted,
    Failed(Fault, bool),
    Lapsed,
    Operator(Action),
    Status(State),
}

impl Drawn {
    fn as_evidence(&self) -> Evidence<'_> {
        match self {
            Self::Due => Evidence::Due,
            Self::Accepted => Evidence::Accepted,
            Self::Failed(fault, spare) => Evidence::Failed { fault, spare: *spare },
            Self::Lapsed => Evidence::Lapsed,
            Self::Operator(action) => Evidence::Operator(*action),
            Self::Status(state) => Evidence::Status(*state),
        }
    }

    /// Whether it says for certain that the last attempt brought nothing to the provider.
    fn denies(&self) -> bool {
        matches!(self, Self::Failed(fault, _) if fault.verdict() != Verdict::Ambiguous)
    }
}

/// A transaction on its way, and what may be done to it.
struct World {
    standing: Standing,
    policy: Policy,
    now: OffsetDateTime,
    /// The attempts that are under way.
    under_way: u32,
    /// Whether an attempt may begin although it went out, or may have.
    may_repeat: bool,
    /// Whether it went out, or may have.
    may_be_out: bool,
}

impl World {
    fn learn(&mut self, drawn: &Drawn, jitter: f64) -> Result<(), TestCaseError> {
        let before = self.standing.state;
        let step = next(&self.standing, drawn.as_evidence(), &self.policy, self.now, jitter);
        match step {
            Step::Stay => {}
            Step::Begin => {
                prop_assert!(matches!(before, State::Accepted | State::Waiting));
                prop_assert_eq!(self.under_way, 0, "two attempts are under way");
                prop_assert!(!self.may_be_out || self.may_repeat, "sent twice without anybody's word");
                prop_assert!(self.now < self.standing.since + self.policy.give_up_after, "sent too late");
                self.standing.attempts += 1;
                self.standing.state = State::Sending;
                (self.under_way, self.may_repeat, self.may_be_out) = (1, false, true);
            }
            Step::Wait(at) => {
                prop_assert!(at >= self.now);
                if let Drawn::Failed(fault, false) = drawn {
                    prop_assert!(at >= self.now + fault.retry_after.unwrap_or_default());
                    prop_assert!(at < self.standing.since + self.policy.give_up_after);
                }
                self.allow(before, drawn)?;
                self.standing.state = State::Waiting;
                self.under_way = 0;
            }
            Step::Hold(resend_at) => {
                prop_assert!(matches!(before, State::Sending | State::Unknown));
                prop_assert!(resend_at.is_none() || self.policy.unknown == OnUnknown::Resend);
                prop_assert!(resend_at.is_none_or(|at| at >= self.now + self.policy.unknown_window));
                self.standing.state = State::Unknown;
                self.under_way = 0;
            }
            Step::End(state) => {
                prop_assert!(matches!(state, State::Sent | State::Delivered | State::Read | State::Failed));
                // What is known to have gone out stays so, unless the provider itself says that it failed.
                if matches!(before, State::Sent | State::Delivered | State::Read) && state == State::Failed {
                    prop_assert!(matches!(drawn, Drawn::Status(State::Failed)));
                }
                self.may_be_out &= state != State::Failed;
                self.standing.state = state;
                self.under_way = 0;
            }
        }
        Ok(())
    }

    /// What leads to `waiting` has to be a denial, a policy or an operator, where the message may be out.
    fn allow(&mut self, before: State, drawn: &Drawn) -> Result<(), TestCaseError> {
        if drawn.denies() || !self.may_be_out {
            self.may_be_out = false;
            return Ok(());
        }
        let by_policy = matches!(drawn, Drawn::Due) && before == State::Unknown;
        let insisted = matches!(drawn, Drawn::Operator(Action::Resend { forced: true }));
        let by_operator = matches!(drawn, Drawn::Operator(Action::Resend { .. })) && before != State::Sent;
        prop_assert!(!by_policy || self.policy.unknown == OnUnknown::Resend, "no policy says so");
        prop_assert!(by_policy || by_operator || insisted || before == State::Waiting, "nobody said so: {:?}", drawn);
        if let Drawn::Operator(_) = drawn {
            self.standing.since = self.now;
        }
        self.may_repeat = true;
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn whatever_is_learnt_nothing_is_sent_twice_by_itself(
        resend in any::<bool>(),
        told in prop::collection::vec((evidence(), 0.0..=1.0_f64), 1..40),
    ) {
        let policy = if resend { RESEND } else { HOLD };
        let standing = Standing { state: State::Accepted, attempts: 0, since: START, lifetime: None };
        let mut world =
            World { standing, policy, now: START, under_way: 0, may_repeat: false, may_be_out: false };
        for ((drawn, seconds), jitter) in told {
            world.now += Duration::from_secs(seconds);
            world.learn(&drawn, jitter)?;
        }
    }
}
