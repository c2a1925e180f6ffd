//! `export --tasks-from-events`: the tasks that events speak of, where MongoDB is lost.

use super::Context;
use super::export_place::{is_stream, require_elsewhere, require_no_file, stream};
use crate::error::{Error, Result};
use crate::export::{TaskTotals, tasks_from_events};
use crate::files::{self, blocking, problem::problem};
use crate::message::{Code, Message};
use crate::settings::Export;
use crate::text::{self, plural};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The name of the file in the output.
const FILE: &str = "tasks.ndjson";

/// Writes a line for each task.
///
/// # Errors
/// Refuses what is in use, damaged or unknown, and an output that is not empty. Fails if something cannot be read or
/// written.
pub(super) async fn export_tasks(settings: Export, source: PathBuf, context: &Context) -> Result<()> {
    let started = Instant::now();
    let (events, cancel) = (context.events.clone(), context.cancel.clone());
    let to = settings.to.of_tasks();
    let directory = to.as_ref().filter(|path| !is_stream(path));
    if let Some(directory) = directory {
        require_no_file(directory)?;
        require_elsewhere(directory, &source)?;
        require_empty(directory)?;
    }
    let names = settings.indices;
    let (totals, lines) = blocking(move || {
        let mut lines = Vec::new();
        let totals = tasks_from_events(&source, &names, &events, &cancel, |line| {
            lines.extend_from_slice(line);
            Ok(())
        })?;
        Ok((totals, lines))
    })
    .await?;
    let mut summary = summary(&totals, started.elapsed());
    let failed = |cause| Error::failed("The tasks cannot be written to the output.").because(cause);
    match (&to, directory) {
        // Standard output belongs to the tasks.
        (None, _) => {
            io::stdout().lock().write_all(&lines).map_err(failed)?;
            context.events.info(Message::new(Code::Exported, summary));
            return Ok(());
        }
        (Some(path), None) => stream(path)?.write_all(&lines).map_err(failed)?,
        (_, Some(directory)) => {
            fs::create_dir_all(directory).map_err(|cause| problem("make the directory", directory, cause))?;
            let file = directory.join(FILE);
            files::write_new(&file, &lines, None)?;
            summary.push_str(&format!("\nThey are in {}, a line of JSON for each.", file.display()));
        }
    }
    context.display.print(&summary);
    Ok(())
}

fn require_empty(directory: &Path) -> Result<()> {
    if !files::exists(directory)? || files::is_empty(directory)? {
        return Ok(());
    }
    Err(Error::refused(format!("{} is not empty.", directory.display()))
        .hint("Name a directory that is empty or does not exist: --output DIR"))
}

fn summary(totals: &TaskTotals, took: Duration) -> String {
    let mut text = format!(
        "{} in {} of {}, in {}.",
        plural(totals.tasks, "task", "tasks"),
        plural(totals.events, "event", "events"),
        plural(totals.indices, "index", "indices"),
        text::duration(took)
    );
    if totals.of_no_task > 0 {
        text.push_str(&format!("\nPlease note: {} no task.", plural(totals.of_no_task, "event names", "events name")));
    }
    totals.warnings.iter().for_each(|warning| text.push_str(&format!("\nPlease note: {warning}")));
    text
}
