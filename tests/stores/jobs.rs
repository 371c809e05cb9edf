//! What every back end promises of jobs: who gets one, in which order, and what becomes of it.

use std::collections::HashSet;
use std::sync::Arc;

use sabir::model::{State, TransactionId, Warning};
use sabir::store::{
    Begin, Cause, Claimed, Depth, NewTransaction, Next, Settlement, Store, StoreError, Turn, Write, Written,
};
use time::{Duration, OffsetDateTime};
use tokio::task::JoinSet;
use tokio::time::timeout;
use uuid::Uuid;

use crate::backends::Backend;
use crate::contract::found;
use crate::fixtures::{
    HOLDER, OTHER, abandoned, accepted, aged, at, attempt, beat, begin, begun, failed, of_pair, record, refused,
    sending, sent, settle, turn, turned, waits,
};

const PAIR: &str = "442079460000>447700900123";

pub async fn a_due_job_is_claimed_with_all_that_sending_it_takes(backend: Backend) {
    let store = backend.open().await;
    let new = of_pair(PAIR, accepted());
    assert_eq!(written(&store, record(&new)).await, Written::Done);

    let [claimed] = store.claim("main", OTHER, at(0), at(60), 10).await.unwrap().try_into().unwrap();
    assert_eq!((claimed.id, claimed.state, claimed.attempts), (new.id, State::Accepted, 0));
    assert_eq!((claimed.request, claimed.warnings), (Arc::unwrap_or_clone(new.request), new.warnings));
    assert_eq!((claimed.account.as_str(), claimed.dialect.as_str()), ("shop", "aisoule"));
    assert_eq!((claimed.upstream.as_str(), claimed.pair.as_deref()), ("main", Some(PAIR)));
    assert_eq!(claimed.received_at, at(0));
    assert_eq!(found(&store, new.id).await.due_at, Some(at(60)));
}

pub async fn only_what_is_due_and_free_is_claimed(backend: Backend) {
    let store = backend.open().await;
    let (later, elsewhere, held, under_way) = (accepted(), accepted(), accepted(), sending());
    let mut all = [later, elsewhere, held, under_way];
    all[0].job.as_mut().unwrap().due_at = at(10);
    all[1].upstream = Some("spare".into());
    all[2].job.as_mut().unwrap().holder = Some(HOLDER);
    all[2].job.as_mut().unwrap().due_at = at(5);
    store.write(&all.each_ref().map(record)).await.unwrap();
    store.write(&[record(&refused())]).await.unwrap();

    assert_eq!(claimed(&store, at(0)).await, []);
    assert_eq!(claimed(&store, at(5)).await, [all[2].id], "a lease that is over");
    assert_eq!(claimed(&store, at(1000)).await, [all[0].id, all[2].id], "what is being sent never is");
}

pub async fn the_longest_due_is_claimed_first(backend: Backend) {
    let store = backend.open().await;
    let mut all = [accepted(), accepted(), accepted()];
    for (new, due) in all.iter_mut().zip([3, 1, 2]) {
        new.job.as_mut().unwrap().due_at = at(due);
    }
    store.write(&all.each_ref().map(record)).await.unwrap();
    let [first, second, third] = [1, 2, 0].map(|index: usize| all[index].id);
    assert_eq!(ids(store.claim("main", OTHER, at(9), at(60), 2).await.unwrap()), [first, second]);
    assert_eq!(ids(store.claim("main", OTHER, at(9), at(60), 2).await.unwrap()), [third]);
    assert_eq!(ids(store.claim("main", OTHER, at(9), at(60), 0).await.unwrap()), []);
}

pub async fn two_claimers_never_get_the_same_job(backend: Backend) {
    let store = backend.open().await;
    let all: Vec<_> = (0..300).map(|_| record(&accepted())).collect();
    store.write(&all).await.unwrap();
    let mut claimers = JoinSet::new();
    for holder in 10..16 {
        let store = backend.connect().await.unwrap();
        claimers.spawn(async move {
            let mut mine = Vec::new();
            while let claimed = store.claim("main", Uuid::from_u128(holder), at(0), at(60), 7).await.unwrap()
                && !claimed.is_empty()
            {
                mine.extend(ids(claimed));
            }
            mine
        });
    }
    let claimed: Vec<_> = claimers.join_all().await.concat();
    // One that steps over a locked job may end early; what it left is there.
    let rest = ids(store.claim("main", OTHER, at(0), at(60), 300).await.unwrap());
    assert_eq!(claimed.len() + rest.len(), 300);
    assert_eq!(claimed.iter().chain(&rest).collect::<HashSet<_>>().len(), 300);
}

pub async fn a_pair_keeps_its_order(backend: Backend) {
    let store = backend.open().await;
    let [first, second, third] = [(); 3].map(|()| of_pair(PAIR, accepted()));
    let other = of_pair("another", accepted());
    store.write(&[&first, &second, &third, &other].map(record)).await.unwrap();

    assert_eq!(claimed(&store, at(0)).await, [first.id, other.id], "one of each pair");
    assert_eq!(claimed(&store, at(0)).await, []);
    assert_eq!(written(&store, begin(&first, OTHER, 1)).await, Written::Done);
    assert_eq!(claimed(&store, at(0)).await, [], "it is being sent");
    store.write(&[settle(&waits(&first, 1, at(500)))]).await.unwrap();
    assert_eq!(claimed(&store, at(20)).await, [], "it is tried again first");

    let give_up = turned(&first, &[State::Waiting], State::Failed, Next::Done);
    assert_eq!(written(&store, turn(&give_up)).await, Written::Done);
    assert_eq!(claimed(&store, at(70)).await, [other.id, second.id], "the next is due at once");
    assert_eq!(written(&store, begin(&second, OTHER, 1)).await, Written::Done);
    store.write(&[settle(&sent(&second, "wamid.1"))]).await.unwrap();
    assert_eq!(claimed(&store, at(70)).await, [third.id]);
}

pub async fn who_waited_for_its_pair_is_heard_of(backend: Backend) {
    let store = backend.open().await;
    let heard = async || timeout(std::time::Duration::from_secs(10), store.jobs_changed()).await.expect("a word");
    let [first, second, third] = [(); 3].map(|()| of_pair(PAIR, accepted()));
    store.write(&[&first, &second, &third].map(record)).await.unwrap();
    assert_eq!(claimed(&store, at(0)).await, [first.id]);
    assert_eq!(written(&store, begin(&first, OTHER, 1)).await, Written::Done);
    store.write(&[settle(&sent(&first, "wamid.1"))]).await.unwrap();
    heard().await;
    store.write(&[turn(&turned(&second, &[State::Accepted], State::Failed, Next::Done))]).await.unwrap();
    heard().await;
    assert_eq!(claimed(&store, at(70)).await, [third.id]);
}

pub async fn what_is_unknown_keeps_nobody_of_its_pair_waiting(backend: Backend) {
    let store = backend.open().await;
    let (first, second) = (of_pair(PAIR, sending()), of_pair(PAIR, accepted()));
    store.write(&[&first, &second].map(record)).await.unwrap();
    assert_eq!(claimed(&store, at(0)).await, []);
    store.write(&[turn(&abandoned(&first))]).await.unwrap();
    assert_eq!(claimed(&store, at(70)).await, [second.id]);
}

pub async fn a_pile_of_one_pair_keeps_nobody_from_the_rest(backend: Backend) {
    let store = backend.open().await;
    let pile: Vec<_> = (0..1000).map(|_| record(&of_pair(PAIR, accepted()))).collect();
    store.write(&pile).await.unwrap();
    let mut last = accepted();
    last.job.as_mut().unwrap().due_at = at(1);
    store.write(&[record(&last)]).await.unwrap();

    let mut all = Vec::new();
    for _ in 0..5 {
        all.extend(claimed(&store, at(1)).await);
    }
    assert_eq!(all, [pile[0].transaction(), last.id]);
}

pub async fn a_message_waits_for_its_pair_whoever_has_it(backend: Backend) {
    let store = backend.open().await;
    let of_other = |mut new: NewTransaction| {
        new.job.as_mut().unwrap().holder = Some(OTHER);
        new
    };
    let (first, own) = (of_pair(PAIR, sending()), of_pair(PAIR, sending()));
    let (others, unrelated) = (of_other(of_pair(PAIR, sending())), of_other(of_pair("another", sending())));
    assert_eq!(store.write(&[record(&first)]).await.unwrap(), [Written::Done]);
    let batch = [&own, &others, &unrelated].map(record);
    let expected = [Written::Queued, Written::Queued, Written::Done];
    assert_eq!(store.write(&batch).await.unwrap(), expected);

    let queued = found(&store, others.id).await;
    assert_eq!((queued.summary.state, queued.due_at), (State::Accepted, Some(at(0))));
    assert_eq!(queued.attempts, []);
    store.write(&[settle(&sent(&first, "wamid.1"))]).await.unwrap();
    assert_eq!(claimed(&store, at(9)).await, [own.id]);
}

pub async fn a_settlement_makes_room_for_a_record_of_the_same_batch(backend: Backend) {
    let store = backend.open().await;
    let (first, free, next) = (of_pair(PAIR, sending()), of_pair("b", accepted()), of_pair(PAIR, sending()));
    let behind = of_pair("b", sending());
    store.write(&[record(&first)]).await.unwrap();
    let mut next = next;
    next.job.as_mut().unwrap().holder = Some(OTHER);
    let batch = [settle(&sent(&first, "wamid.1")), record(&next), record(&free), record(&behind)];
    let expected = [Written::Done, Written::Done, Written::Done, Written::Queued];
    assert_eq!(store.write(&batch).await.unwrap(), expected);
}

pub async fn an_attempt_needs_the_lease(backend: Backend) {
    let store = backend.open().await;
    let (new, gone) = (accepted(), accepted());
    store.write(&[record(&new)]).await.unwrap();
    assert_eq!(written(&store, begin(&new, OTHER, 1)).await, Written::Stale, "nobody's");
    assert_eq!(ids(store.claim("main", HOLDER, at(0), at(5), 1).await.unwrap()), [new.id]);
    assert_eq!(ids(store.claim("main", OTHER, at(5), at(60), 1).await.unwrap()), [new.id], "the lease is over");

    let begins = [begin(&new, HOLDER, 1), begin(&gone, HOLDER, 1), begin(&new, OTHER, 1), begin(&new, OTHER, 2)];
    let expected = [Written::Stale, Written::Stale, Written::Done, Written::Stale];
    assert_eq!(store.write(&begins).await.unwrap(), expected);
    let found = found(&store, new.id).await;
    assert_eq!((found.summary.state, found.attempts.len(), found.due_at), (State::Sending, 1, Some(at(60))));
}

pub async fn what_a_later_attempt_bends_is_noted(backend: Backend) {
    let store = backend.open().await;
    let (new, other) = (accepted(), accepted());
    store.write(&[record(&new), record(&other)]).await.unwrap();
    store.claim("main", HOLDER, at(0), at(60), 10).await.unwrap();
    let bent = vec![Warning::new("image.link", "was saved anew as JPEG")];
    let begins =
        [Write::Begin(Box::new(Begin { warnings: Some(bent.clone()), ..begun(&new) })), begin(&other, HOLDER, 1)];
    assert_eq!(store.write(&begins).await.unwrap(), [Written::Done, Written::Done]);
    assert_eq!(found(&store, new.id).await.warnings, bent);
    assert_eq!(found(&store, other.id).await.warnings, other.warnings);
    // Without the lease nothing is noted.
    let stale = Begin { holder: OTHER, warnings: Some(Vec::new()), attempt: attempt(2), ..begun(&new) };
    assert_eq!(store.write(&[Write::Begin(Box::new(stale))]).await.unwrap(), [Written::Stale]);
    assert_eq!(found(&store, new.id).await.warnings, bent);
}

pub async fn what_fails_for_a_while_is_tried_again(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    let mut keeps = waits(&new, 1, at(90));
    keeps.next = Next::Wait { due_at: at(90), keep: true };
    store.write(&[record(&new), settle(&keeps)]).await.unwrap();
    assert_eq!(claimed(&store, at(89)).await, [], "its holder has it still");
    assert_eq!(written(&store, begin(&new, HOLDER, 2)).await, Written::Done);
    store.write(&[settle(&waits(&new, 2, at(30)))]).await.unwrap();
    assert_eq!(store.next_due(&["main".into()]).await.unwrap(), [Some(at(30))]);

    let [again] = store.claim("main", OTHER, at(30), at(60), 1).await.unwrap().try_into().unwrap();
    assert_eq!((again.state, again.attempts), (State::Waiting, 2));
    let found = found(&store, new.id).await;
    assert_eq!(found.summary.fault.as_deref(), Some("not_on_whatsapp"));
    assert_eq!(found.attempts.iter().map(|attempt| attempt.state).collect::<Vec<_>>(), [Some(State::Waiting); 2]);
}

pub async fn what_nobody_sends_any_more_lapses(backend: Backend) {
    let store = backend.open().await;
    let (old, recent, settled) = (sending(), sending(), sending());
    let mut recent = recent;
    recent.job.as_mut().unwrap().due_at = at(71);
    store.write(&[&old, &recent, &settled].map(record)).await.unwrap();
    store.write(&[settle(&sent(&settled, "wamid.1")), record(&accepted())]).await.unwrap();
    assert_eq!(written(&store, turn(&Turn { at: at(59), ..abandoned(&old) })).await, Written::Stale, "its lease runs");

    let [lapsed] = store.lapsed(at(70), 10).await.unwrap().try_into().unwrap();
    assert_eq!((lapsed.transaction, lapsed.attempt, lapsed.upstream.as_str()), (old.id, 1, "main"));
    let turns = [turn(&abandoned(&old)), turn(&abandoned(&recent)), turn(&abandoned(&settled))];
    assert_eq!(store.write(&turns).await.unwrap(), [Written::Done, Written::Stale, Written::Stale]);
    assert_eq!(store.lapsed(at(70), 10).await.unwrap(), []);

    let found = found(&store, old.id).await;
    assert_eq!((found.summary.state, found.summary.updated_at, found.due_at), (State::Unknown, at(70), None));
    let [turned] = found.turns.try_into().unwrap();
    assert_eq!((turned.from, turned.to, turned.cause), (State::Sending, State::Unknown, Cause::Abandoned));
}

pub async fn what_is_unknown_is_claimed_only_to_be_sent_again(backend: Backend) {
    let store = backend.open().await;
    let (held, resent) = (sending(), sending());
    store.write(&[&held, &resent].map(record)).await.unwrap();
    let resend = Turn { next: Next::Hold { resend_at: Some(at(100)) }, ..abandoned(&resent) };
    store.write(&[turn(&abandoned(&held)), turn(&resend)]).await.unwrap();
    assert_eq!(claimed(&store, at(99)).await, []);
    assert_eq!(claimed(&store, at(100)).await, [resent.id]);
    assert_eq!(written(&store, begin(&resent, OTHER, 2)).await, Written::Done);
}

pub async fn evidence_settles_what_is_unknown(backend: Backend) {
    let store = backend.open().await;
    let (good, bad) = (sending(), sending());
    store.write(&[&good, &bad].map(record)).await.unwrap();
    store.write(&[&good, &bad].map(|new| turn(&abandoned(new)))).await.unwrap();
    store.write(&[settle(&sent(&good, "wamid.1")), settle(&failed(&bad))]).await.unwrap();
    assert_eq!(state(&store, good.id).await, State::Sent);
    assert_eq!(state(&store, bad.id).await, State::Failed);
    assert_eq!(store.depth().await.unwrap(), []);
}

pub async fn an_older_attempt_counts_only_where_it_was_sent(backend: Backend) {
    let store = backend.open().await;
    let all = [sending(), sending(), sending()];
    store.write(&all.each_ref().map(record)).await.unwrap();
    let resend = |new| turn(&Turn { next: Next::Hold { resend_at: Some(at(70)) }, ..abandoned(new) });
    store.write(&all.each_ref().map(resend)).await.unwrap();
    assert_eq!(claimed(&store, at(70)).await.len(), 3);
    let [under_way, also, waiting] = &all;
    store.write(&[begin(under_way, OTHER, 2), begin(also, OTHER, 2), begin(waiting, OTHER, 2)]).await.unwrap();
    store.write(&[settle(&waits(waiting, 2, at(200)))]).await.unwrap();

    let late = [settle(&failed(under_way)), settle(&sent(also, "wamid.1")), settle(&sent(waiting, "wamid.2"))];
    store.write(&late).await.unwrap();
    assert_eq!(state(&store, under_way.id).await, State::Sending);
    assert!(found(&store, under_way.id).await.attempts[0].finished_at.is_some());
    assert_eq!(state(&store, also.id).await, State::Sent);
    assert_eq!(state(&store, waiting.id).await, State::Sent);
    assert_eq!(claimed(&store, at(500)).await, [], "what was sent is not sent again");

    // What was sent stays sent, whatever the last attempt says; its job goes all the same.
    store.write(&[settle(&waits(also, 2, at(200))), settle(&waits(under_way, 2, at(900)))]).await.unwrap();
    assert_eq!(state(&store, also.id).await, State::Sent);
    assert_eq!(claimed(&store, at(500)).await, []);
    assert_eq!(state(&store, under_way.id).await, State::Waiting);
}

pub async fn a_turn_needs_the_state_and_the_lease(backend: Backend) {
    let store = backend.open().await;
    let new = accepted();
    store.write(&[record(&new)]).await.unwrap();
    let give_up = turned(&new, &[State::Waiting, State::Unknown], State::Failed, Next::Done);
    assert_eq!(written(&store, turn(&give_up)).await, Written::Stale);
    let postpone = Turn {
        holder: Some(OTHER),
        cause: Cause::Pace,
        ..turned(&new, &[State::Accepted, State::Waiting], State::Waiting, Next::Wait { due_at: at(80), keep: false })
    };
    assert_eq!(written(&store, turn(&postpone)).await, Written::Stale, "nobody's");
    assert_eq!(claimed(&store, at(0)).await, [new.id]);
    let notes = "by hand \0".to_owned();
    let batch = [turn(&postpone), turn(&Turn { holder: None, detail: Some(notes), ..give_up })];
    assert_eq!(store.write(&batch).await.unwrap(), [Written::Done, Written::Done]);

    let found = found(&store, new.id).await;
    assert_eq!((found.summary.state, found.due_at), (State::Failed, None));
    assert_eq!(found.turns.len(), 2);
    let last = found.turns.iter().find(|turned| turned.to == State::Failed).unwrap();
    assert_eq!((last.at, last.cause, last.detail.as_deref()), (at(70), Cause::Operator, Some("by hand \u{fffd}")));
}

pub async fn what_went_out_by_an_older_attempt_is_done_when_the_last_one_lapses(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[record(&new)]).await.unwrap();
    let again = Next::Hold { resend_at: Some(at(61)) };
    store.write(&[turn(&Turn { next: again, ..abandoned(&new) })]).await.unwrap();
    store.claim("main", OTHER, at(61), at(90), 9).await.unwrap();
    store.write(&[begin(&new, OTHER, 2)]).await.unwrap();
    store.write(&[settle(&sent(&new, "wamid.1"))]).await.unwrap();
    assert_eq!(state(&store, new.id).await, State::Sent);

    let [lapsed] = store.lapsed(at(90), 9).await.unwrap().try_into().unwrap();
    assert_eq!((lapsed.transaction, lapsed.attempt, lapsed.state), (new.id, 2, State::Sent));
    let over = Turn { at: at(90), cause: Cause::Abandoned, ..turned(&new, &[State::Sent], State::Sent, Next::Done) };
    assert_eq!(written(&store, turn(&over)).await, Written::Done);
    assert_eq!((state(&store, new.id).await, store.depth().await.unwrap()), (State::Sent, Vec::new()));
}

pub async fn a_job_that_does_not_read_back_stops_no_other(backend: Backend) {
    let store = backend.open().await;
    let (bad, good) = (accepted(), accepted());
    store.write(&[record(&bad)]).await.unwrap();
    backend.spoil("update bodies set request = '7'").await;
    store.write(&[record(&good)]).await.unwrap();
    assert_eq!(claimed(&store, at(0)).await, [good.id]);

    let give_up = turned(&bad, &[found(&store, bad.id).await.summary.state], State::Failed, Next::Done);
    assert_eq!(written(&store, turn(&give_up)).await, Written::Done);
}

pub async fn postponing_by_the_pace_leaves_no_trace(backend: Backend) {
    let store = backend.open().await;
    let new = sending();
    store.write(&[record(&new), settle(&waits(&new, 1, at(10)))]).await.unwrap();
    let next = Next::Wait { due_at: at(99), keep: false };
    let postpone = Turn { cause: Cause::Pace, ..turned(&new, &[State::Waiting], State::Waiting, next) };
    assert_eq!(written(&store, turn(&postpone)).await, Written::Done);
    let found = found(&store, new.id).await;
    assert_eq!((found.turns.len(), found.due_at), (0, Some(at(99))));
    assert_eq!(found.summary.fault.as_deref(), Some("not_on_whatsapp"), "what it waits for is still known");
}

pub async fn what_is_at_its_end_can_be_sent_once_more(backend: Backend) {
    let store = backend.open().await;
    let (new, never) = (of_pair(PAIR, sending()), refused());
    store.write(&[record(&new), record(&never), settle(&failed(&new))]).await.unwrap();
    let replay = |new| Turn {
        cause: Cause::Replay,
        ..turned(new, &[State::Failed], State::Waiting, Next::Wait { due_at: at(70), keep: false })
    };
    let expected = [Written::Done, Written::Stale, Written::Stale];
    assert_eq!(store.write(&[&new, &new, &never].map(|new| turn(&replay(new)))).await.unwrap(), expected);

    let [again] = store.claim("main", OTHER, at(70), at(99), 5).await.unwrap().try_into().unwrap();
    assert_eq!((again.id, again.attempts, again.pair.as_deref()), (new.id, 1, Some(PAIR)));
    assert_eq!(written(&store, begin(&new, OTHER, 2)).await, Written::Done);
    let sent = Settlement { attempt: 2, ..sent(&new, "wamid.1") };
    store.write(&[settle(&sent)]).await.unwrap();
    let found = found(&store, new.id).await;
    assert_eq!((found.summary.state, found.summary.fault), (State::Sent, None));
    assert_eq!(found.turns[0].cause, Cause::Replay);
}

pub async fn the_queue_says_how_long_it_is_and_when_to_look(backend: Backend) {
    let store = backend.open().await;
    assert_eq!(store.depth().await.unwrap(), []);
    assert_eq!(store.next_due(&["main".into()]).await.unwrap(), [None]);
    let [mut first, mut second, mut spare] = [(); 3].map(|()| accepted());
    (first, second) = (aged(1, first), aged(2, second));
    (first.job.as_mut().unwrap().due_at, second.job.as_mut().unwrap().due_at) = (at(9), at(8));
    spare.upstream = Some("spare".into());
    store.write(&[&first, &second, &spare, &sending()].map(record)).await.unwrap();

    let depth = |upstream: &str, state, count, oldest| Depth { upstream: upstream.into(), state, count, oldest };
    let expected = [
        depth("main", State::Accepted, 2, at(1)),
        depth("main", State::Sending, 1, at(0)),
        depth("spare", State::Accepted, 1, at(0)),
    ];
    assert_eq!(store.depth().await.unwrap(), expected);
    assert_eq!(store.next_due(&["main".into()]).await.unwrap(), [Some(at(8))]);
    assert_eq!(
        store.next_due(&["none".into(), "spare".into(), "main".into()]).await.unwrap(),
        [None, Some(at(0)), Some(at(8))]
    );
    assert_eq!(store.next_due(&[]).await.unwrap(), []);
}

pub async fn processes_know_how_many_they_are(backend: Backend) {
    let store = backend.open().await;
    let living = async |process, now| store.beat(&beat(process, now)).await.unwrap().processes;
    assert_eq!(living(HOLDER, at(0)).await, 1);
    assert_eq!(living(OTHER, at(10)).await, 2);
    assert_eq!(living(OTHER, at(20)).await, 1, "the first was not heard of for long");
    assert_eq!(living(HOLDER, at(20)).await, 2);
    store.leave(OTHER).await.unwrap();
    assert_eq!(living(HOLDER, at(21)).await, 1);
}

pub async fn no_job_is_handed_out_while_the_store_is_away(mut backend: Backend) {
    let store = backend.open().await;
    store.write(&[record(&accepted())]).await.unwrap();
    backend.take_away().await;
    let refused = store.claim("main", OTHER, at(0), at(60), 1).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    let refused = store.beat(&beat(OTHER, at(0))).await;
    assert!(matches!(refused, Err(StoreError::Unreachable(_))), "{refused:?}");
    backend.give_back().await;
    assert_eq!(claimed(&store, at(0)).await.len(), 1);
}

async fn written(store: &Arc<dyn Store>, write: Write) -> Written {
    store.write(&[write]).await.unwrap()[0]
}

async fn state(store: &Arc<dyn Store>, id: TransactionId) -> State {
    found(store, id).await.summary.state
}

/// Claims what is due at a time for the other process, until long after.
async fn claimed(store: &Arc<dyn Store>, now: OffsetDateTime) -> Vec<TransactionId> {
    ids(store.claim("main", OTHER, now, now + Duration::seconds(50), 100).await.unwrap())
}

fn ids(claimed: Vec<Claimed>) -> Vec<TransactionId> {
    claimed.into_iter().map(|claimed| claimed.id).collect()
}
