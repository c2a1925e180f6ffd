//! A container that does not stay up, told with its last words.

use crate::docker::{Container, Exit, explain_exit, trouble};
use crate::error::Error;
use crate::role::Role;
use crate::steps::Run;

/// Lines of a log that are looked through.
pub(super) const READ: usize = 200;
/// Lines of it that are shown.
const SHOWN: usize = 8;

/// Returns the error of a container that ends, or is started again and again.
pub(super) async fn does_not_stay(run: &Run, role: Role, container: &Container) -> Error {
    let exit = Exit {
        code: container.state.exit_code.unwrap_or_default(),
        out_of_memory: container.state.out_of_memory,
        last_lines: run.platform.log_tail(&container.id, READ).await.unwrap_or_default(),
    };
    let error = Error::failed(format!("The container {} {}.", container.name, how(container)));
    let error = match explain_exit(role, &exit) {
        Some(explanation) => error.hint(explanation),
        None => error,
    };
    error.hint(words_of(role, &exit))
}

/// The databases say last why they end. What the servers say last is their stack's innermost frame, so what tells of
/// trouble is picked out.
fn words_of(role: Role, exit: &Exit) -> String {
    match role {
        Role::Elasticsearch | Role::Mongo | Role::Redis => format!("Its last lines:\n{}", exit.last_words(SHOWN)),
        _ => format!("What it said last:\n{}", trouble(&exit.last_lines, SHOWN)),
    }
}

/// Returns what it does instead of staying up.
pub(super) fn how(container: &Container) -> String {
    let state = &container.state;
    if state.running || state.status == "restarting" {
        return "ends and is started again and again".to_owned();
    }
    match state.exit_code {
        Some(code) => format!("ended with code {code}"),
        None => format!("does not run ({})", state.status),
    }
}

/// Adds to an error what a container said last about trouble.
pub(super) async fn with_words(run: &Run, container: &Container, error: Error) -> Error {
    let lines = run.platform.log_tail(&container.id, READ).await.unwrap_or_default();
    match lines.is_empty() {
        true => error,
        false => error.hint(format!("What {} said last:\n{}", container.name, trouble(&lines, SHOWN))),
    }
}
