//! Killed with SIGKILL in each step, there and back; each command prints a table of it.
//!
//! | module | subject |
//! |---|---|
//! | [`elastic`] | the command `elastic` |
//! | [`server`] | the migration of a server |

mod elastic;
mod server;
