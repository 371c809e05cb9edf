//! What the sources name of the model: no more than that there are faults.

#[derive(Clone, Debug)]
pub struct Fault;

pub enum FaultKind {
    Internal,
}

impl Fault {
    pub fn gateway(_: FaultKind, _: &str) -> Self {
        Self
    }
}
