//! Those who ask, each in a task of its own.

use std::sync::Arc;

use sabir::model::TransactionId;
use sabir::store::{Ledger, Limits, Written};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep, timeout};
use uuid::Uuid;

use super::{Diary, EVER, Kind, Name, Pause, Seen, Step, TRANSACTIONS};

/// Those who ask, and what they left to the ledger.
pub struct People {
    ledger: Ledger,
    diary: Arc<Diary>,
    transactions: [TransactionId; TRANSACTIONS],
    serial: u32,
    waiting: Vec<(Name, JoinHandle<()>)>,
    left: usize,
    /// Settlements that were lost as they were left to the ledger.
    pub refused: Vec<Name>,
}

impl People {
    pub fn new(ledger: Ledger, diary: Arc<Diary>) -> Self {
        let transactions = std::array::from_fn(|_| TransactionId(Uuid::now_v7()));
        Self { ledger, diary, transactions, serial: 0, waiting: Vec::new(), left: 0, refused: Vec::new() }
    }

    pub fn take(&mut self, step: Step, pause: Pause) {
        match step {
            Step::Ask { kind, of, is_poisoned } => {
                let of = self.transactions[of];
                if kind == Kind::Settle && self.waits_for_a_settlement(of) {
                    // An attempt ends after the one before.
                    return;
                }
                let name = self.name(kind, of, is_poisoned);
                self.ask(name, pause);
            }
            Step::SettleLater { of, .. } if self.waits_for_a_settlement(self.transactions[of]) => {}
            Step::SettleLater { of, is_poisoned } => {
                let name = self.name(Kind::Settle, self.transactions[of], is_poisoned);
                self.leave(name);
            }
            Step::Flush => {
                let (ledger, diary, left) = (self.ledger.clone(), Arc::clone(&self.diary), self.left);
                let name = self.name(Kind::Turn, self.transactions[0], false);
                let flushed = async move {
                    ledger.flush().await;
                    diary.note(Seen::Flushed(left));
                };
                self.waiting.push((name, tokio::spawn(flushed)));
            }
            Step::HangUp => {
                // Who asks for a settlement that many wait for may never have been in the queue.
                let hangs_up = self.waiting.last().is_some_and(|(name, _)| name.kind != Kind::Settle);
                if hangs_up && let Some((_, waiting)) = self.waiting.pop() {
                    waiting.abort();
                }
            }
        }
    }

    fn name(&mut self, kind: Kind, of: TransactionId, is_poisoned: bool) -> Name {
        self.serial += 1;
        if is_poisoned {
            self.diary.poisoned.lock().unwrap().insert(self.serial);
        }
        Name { kind, of, serial: self.serial }
    }

    fn waits_for_a_settlement(&self, of: TransactionId) -> bool {
        let waits = |(name, waiting): &(Name, JoinHandle<()>)| {
            name.kind == Kind::Settle && name.of == of && !waiting.is_finished()
        };
        self.waiting.iter().any(waits)
    }

    fn ask(&mut self, name: Name, pause: Pause) {
        let (ledger, diary) = (self.ledger.clone(), Arc::clone(&self.diary));
        let asked = async move {
            if name.kind != Kind::Settle {
                pause.pass().await;
            }
            let told = match name.kind {
                Kind::Record => ledger.record(name.record()).await,
                Kind::Begin => ledger.begin(name.begin()).await,
                Kind::Turn => ledger.turn(name.turn()).await,
                Kind::Settle | Kind::Withdrawal => ledger.settle(name.settlement()).await.map(|()| Written::Done),
            };
            diary.note(Seen::Told(name, told));
        };
        self.waiting.push((name, tokio::spawn(asked)));
    }

    fn leave(&mut self, name: Name) {
        let lost = self.ledger.lost();
        self.ledger.settle_later(name.settlement());
        if self.ledger.lost() > lost {
            self.refused.push(name);
        } else {
            self.diary.note(Seen::Left(name));
            self.left += 1;
        }
    }

    /// As many as ever may ask, and one more is refused.
    pub async fn all_places_are_free(&mut self, limits: Limits, doors: &Semaphore, all_doors: usize) {
        let shut = doors.acquire_many(u32::try_from(all_doors).unwrap()).await.unwrap();
        let before = self.waiting.len();
        for _ in 0..=limits.records {
            let name = self.name(Kind::Record, TransactionId(Uuid::now_v7()), false);
            self.ask(name, Pause::Turns(0));
        }
        // Time goes on when nobody can.
        sleep(Duration::from_millis(1)).await;
        let refused = self.waiting[before..].iter().filter(|(_, waiting)| waiting.is_finished()).count();
        assert_eq!(refused, 1, "of those who ask at once, with all places free but one too few");
        let lost = self.ledger.lost();
        for _ in 0..=limits.settlements {
            let name = self.name(Kind::Settle, TransactionId(Uuid::now_v7()), false);
            self.leave(name);
        }
        assert_eq!(self.ledger.lost(), lost + 1, "of those that are left to the ledger");
        drop(shut);
    }

    pub async fn have_all_been_answered(&mut self) {
        for (name, waiting) in self.waiting.drain(..) {
            let ended = timeout(EVER, waiting).await;
            assert!(matches!(ended, Ok(Ok(()))), "{name:?} waits for ever");
        }
    }
}
