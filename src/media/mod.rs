//! Files: what is in them, and whether WhatsApp will take them.

pub mod check;
