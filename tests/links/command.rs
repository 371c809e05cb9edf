//! `sabir media check URL`
