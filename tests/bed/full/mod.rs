//! What `tests/run.sh full` runs on the bed.
//!
//! | module | subject |
//! |---|---|
//! | [`static_binary`] | the static build in an empty container |

mod static_binary;
