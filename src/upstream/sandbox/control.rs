//! What the sandbox is told to do, beside what recipients stand for: how the next messages fare, and how slowly it tells.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Behaviour, Sandbox, lock};
use crate::model::{Fault, FaultKind};

/// Orders that may wait.
const MOST_ORDERS: usize = 1000;
/// The longest time between the steps that are told.
const LONGEST_DELAY: Duration = Duration::from_secs(3600);

/// What is ordered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Orders {
    /// What happens to the next messages, one each, whoever they go to; those after them fare as their recipients say.
    #[serde(default)]
    pub next: VecDeque<Behaviour>,
    /// Between the steps that are told of each message.
    #[serde(default, with = "humantime_serde", skip_serializing_if = "Option::is_none")]
    pub delay: Option<Duration>,
}

impl Sandbox {
    /// What is ordered now.
    pub fn orders(&self) -> Orders {
        Orders { next: lock(&self.next).clone(), delay: Some(self.teller.delay()) }
    }

    /// Orders something else; without a delay that stays as it is.
    ///
    /// # Errors
    /// Where there are too many, or where the delay is too long.
    pub fn order(&self, orders: Orders) -> Result<(), Fault> {
        if orders.next.len() > MOST_ORDERS {
            return Err(Fault::at(
                FaultKind::TooLong,
                "next",
                format!("has more than {MOST_ORDERS} entries; give fewer"),
            ));
        }
        if orders.delay.is_some_and(|delay| delay > LONGEST_DELAY) {
            return Err(Fault::invalid("delay", format!("is longer than {LONGEST_DELAY:?}; give a shorter one")));
        }
        *lock(&self.next) = orders.next;
        if let Some(delay) = orders.delay {
            self.teller.set_delay(delay);
        }
        self.diary.changed();
        Ok(())
    }

    /// Forgets messages, files, templates and orders: as if it were just started.
    pub fn reset(&self) {
        self.clear();
        self.templates.clear();
        lock(&self.next).clear();
        self.teller.reset_delay();
        self.diary.changed();
    }

    /// What happens to a message: what was ordered for the next one, else what its recipient stands for.
    pub(super) fn next_or(&self, behaviour: Behaviour) -> Behaviour {
        lock(&self.next).pop_front().unwrap_or(behaviour)
    }
}
