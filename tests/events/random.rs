//! Events that nobody thought of.
