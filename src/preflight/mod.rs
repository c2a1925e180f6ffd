//! The checks before anything changes: one small function each, all findings reported at once.
