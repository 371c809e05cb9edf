//! What is true of every dialect, whatever it tells.
