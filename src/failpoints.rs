//! Named places where a test can make the program fail, die or wait.
//!
//! They are always compiled in, so that the tests run the very binary that users get. The variable
//! `CLEARML_MIGRATE_FAILPOINTS` holds `name=action[@N]`, separated by `;`: the action is taken the N-th time
//! (from 1, default 1) that the named place is reached, with `@*` each time. Actions: `error` (the operation fails), `kill` (SIGKILL to
//! this process, nothing is cleaned up), `sleep:MS` (waits, in milliseconds, then goes on).
//! Names are `seam.operation` for the three seams, such as `files.rename`, and `step.<name>.<phase>`.

use crate::environment;
use crate::error::{Error, Result};
use std::collections::HashMap;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

/// The environment variable that arms failpoints.
pub const VARIABLE: &str = "CLEARML_MIGRATE_FAILPOINTS";

#[derive(Debug, Clone, PartialEq, Eq)]
enum Action {
    Error,
    Kill,
    Sleep(Duration),
}

#[derive(Debug, PartialEq, Eq)]
struct Armed {
    action: Action,
    /// How often the place is yet to be reached; nothing if the action is taken each time.
    countdown: Option<u64>,
}

type Table = HashMap<String, Armed>;

fn table() -> &'static Option<Mutex<Table>> {
    static TABLE: OnceLock<Option<Mutex<Table>>> = OnceLock::new();
    TABLE.get_or_init(|| environment::text(VARIABLE).map(|text| Mutex::new(parse(&text))))
}

fn parse(text: &str) -> Table {
    text.split(';').filter_map(parse_one).collect()
}

fn parse_one(entry: &str) -> Option<(String, Armed)> {
    let (name, rest) = entry.trim().split_once('=')?;
    let (action, countdown) = match rest.split_once('@') {
        Some((action, "*")) => (action, None),
        Some((action, n)) => (action, Some(n.parse().ok()?)),
        None => (rest, Some(1)),
    };
    let action = match action.split_once(':') {
        Some(("sleep", ms)) => Action::Sleep(Duration::from_millis(ms.parse().ok()?)),
        _ if action == "error" => Action::Error,
        _ if action == "kill" => Action::Kill,
        _ => return None,
    };
    Some((name.to_owned(), Armed { action, countdown }))
}

fn due(table: &mut Table, name: &str) -> Option<Action> {
    let armed = table.get_mut(name)?;
    let Some(countdown) = &mut armed.countdown else { return Some(armed.action.clone()) };
    *countdown = countdown.checked_sub(1)?;
    (*countdown == 0).then(|| armed.action.clone())
}

/// Marks the place `name`. Does nothing unless a test armed it.
///
/// # Errors
/// Fails when the place is armed with `error`.
pub fn reach(name: &str) -> Result<()> {
    let Some(table) = table() else { return Ok(()) };
    let action = match table.lock() {
        Ok(mut table) => due(&mut table, name),
        Err(_) => None,
    };
    match action {
        None => Ok(()),
        Some(Action::Error) => Err(Error::failed(format!("Failpoint {name} was reached."))
            .hint(format!("Unset {VARIABLE}: it is meant for tests."))),
        Some(Action::Sleep(time)) => {
            std::thread::sleep(time);
            Ok(())
        }
        Some(Action::Kill) => {
            // The point is that nothing runs after this: no destructor, no journal record.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
            std::process::abort()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_due_at_its_count_and_never_again() {
        let mut table = parse("files.rename=error@2; docker.start=sleep:5");
        assert_eq!(due(&mut table, "files.rename"), None);
        assert_eq!(due(&mut table, "files.rename"), Some(Action::Error));
        assert_eq!(due(&mut table, "files.rename"), None);
        assert_eq!(due(&mut table, "docker.start"), Some(Action::Sleep(Duration::from_millis(5))));
        assert_eq!(due(&mut table, "elastic.bulk"), None);
    }

    #[test]
    fn an_action_can_be_due_each_time() {
        let mut table = parse("health.steady_due=error@*");
        let twice = [0; 2].map(|_| due(&mut table, "health.steady_due"));
        assert_eq!(twice, [Some(Action::Error), Some(Action::Error)]);
    }

    #[test]
    fn an_unknown_action_arms_nothing() {
        assert_eq!(parse("a=explode;b;c=kill@x"), Table::new());
    }
}
