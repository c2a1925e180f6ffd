//! The commands: from resolved settings to a finished task. They put the parts together and hold no knowledge of
//! their own.

mod acceptance;
#[cfg(test)]
mod as_data_tests;
mod check;
mod consent;
mod elastic;
mod existing_run;
mod export;
mod export_elastic;
mod export_home;
mod export_mongo;
mod export_place;
mod export_sources;
mod export_tasks;
mod find_run;
mod import;
mod left_behind;
mod look;
mod migrate;
mod prepare;
mod resume_options;
mod rollback;
mod session;
mod status;
mod verify;

pub use check::check;
pub use export::export;
pub use import::import;
pub use migrate::migrate;
pub use rollback::rollback;
pub use status::status;
pub use verify::verify;

use crate::display::{Display, Paint};
use crate::events::Events;
use crate::findings::{Finding, Severity};
use std::fmt::Write;
use tokio_util::sync::CancellationToken;

/// Returns findings as text: what was found, and what to do about it.
fn findings_text(findings: &[Finding], paint: Paint) -> String {
    let mut text = String::new();
    for finding in findings {
        let head = match finding.severity {
            Severity::Refusal => paint.red("refused"),
            Severity::Warning => paint.yellow("warning"),
        };
        let _ = writeln!(text, "{head}  {}", finding.what);
        for line in finding.remedy.lines() {
            let _ = writeln!(text, "         {line}");
        }
    }
    text
}

/// What every command is given.
pub struct Context {
    /// Shows results and asks questions.
    pub display: Display,
    /// Tells what happens.
    pub events: Events,
    /// Says when to stop.
    pub cancel: CancellationToken,
}
