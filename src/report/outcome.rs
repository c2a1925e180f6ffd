//! The end of a run as text: what was done, where the old things are, how to go back, what clients must change.

use crate::display::format::{documents, duration, plural};
use crate::plan::Plan;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

/// What a finished run knows about itself.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// Documents copied and verified.
    pub documents: u64,
    /// Indices copied.
    pub indices: u64,
    /// Wall time of this run.
    pub elapsed: Duration,
    /// What the health check found worth saying: one line each.
    pub checks: Vec<String>,
    /// Warnings of the run, repeated here.
    pub warnings: Vec<String>,
    /// The log file, if one was written.
    pub log_file: Option<std::path::PathBuf>,
    /// Address of the web application.
    pub web: Option<String>,
}

/// Returns the report of a finished migration.
pub fn success_text(plan: &Plan, outcome: &Outcome, go_back: &str) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "Done: ClearML Server {} runs with everything that the old server had ({} in {}, verified), after {}.",
        plan.release,
        documents(outcome.documents),
        plural(outcome.indices, "index", "indices"),
        duration(outcome.elapsed),
    );
    if let Some(web) = &outcome.web {
        let _ = writeln!(text, "Open it at {web}. Browsers must log in once more: the session cookie has a new name.");
    }
    list(&mut text, "Checked on the new server", &outcome.checks);
    list(&mut text, "Please note", &outcome.warnings);
    list(&mut text, "The old server's data and files are untouched in", &kept_lines(plan));
    list(&mut text, "To go back to the old server", &[go_back.to_owned()]);
    list(&mut text, "To delete the old things, once you are sure", &delete_lines(plan));
    list(&mut text, "On the machines that use the server", &client_lines());
    if let Some(log) = &outcome.log_file {
        let _ = writeln!(text, "\nThe log of this run: {}", log.display());
    }
    text
}

/// Returns the report of a finished rollback.
pub fn rolled_back_text(
    plan: &Plan,
    started: bool,
    set_aside: &[std::path::PathBuf],
    start_again: &str,
    migrate_again: &str,
) -> String {
    let home = &plan.home.from;
    let mut text = if started {
        format!("Done: the old server runs again from {}, as it was before the migration.\n", home.display())
    } else {
        format!(
            "Done: everything in {} is as it was before the migration; the old server is not started.\n",
            home.display()
        )
    };
    if !started {
        let _ = writeln!(text, "Start it with: {start_again}");
    }
    let aside: Vec<String> = set_aside.iter().map(|path| path.display().to_string()).collect();
    list(&mut text, "What the new server wrote meanwhile is set aside in", &aside);
    let _ = writeln!(text, "\nTo migrate again: {migrate_again}");
    text
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    if lines.is_empty() {
        return;
    }
    let _ = write!(text, "\n{title}\n");
    for line in lines {
        let _ = writeln!(text, "  {line}");
    }
}

fn kept_lines(plan: &Plan) -> Vec<String> {
    let data = plan.replacements.iter().map(|one| plan.home.after(one.retired()));
    let files = plan.edits.iter().map(|edit| plan.home.after(&edit.kept_as));
    let archives = plan.archives.iter().map(|one| plan.home.after(&one.file));
    data.chain(files).chain(archives).map(|path| path.display().to_string()).collect()
}

fn delete_lines(plan: &Plan) -> Vec<String> {
    let mut lines = vec!["There is no hurry, and after it there is no way back:".to_owned()];
    for one in &plan.replacements {
        lines.push(match &one.switch {
            crate::plan::Switch::Volume { .. } => match volume_name(plan, &one.source) {
                Some(name) => format!("docker volume rm {name}"),
                None => format!("the volume at {}", one.source.display()),
            },
            _ => format!("rm -r {}", quoted(&plan.home.after(one.retired()))),
        });
    }
    lines
}

fn volume_name<'a>(plan: &'a Plan, source: &Path) -> Option<&'a str> {
    use crate::deployment::Storage;
    let mut mounts = plan.deployment.services.iter().flat_map(|service| &service.mounts);
    mounts.find_map(|mount| match &mount.storage {
        Storage::Volume { name, mountpoint, .. } if mountpoint == source => Some(name.as_str()),
        _ => None,
    })
}

fn client_lines() -> Vec<String> {
    [
        "pip install clearml; in scripts `from trains import Task` becomes `from clearml import Task`",
        "rename ~/trains.conf to ~/clearml.conf: addresses, ports and keys in it stay the same",
        "pip install clearml-agent; `trains-agent daemon` becomes `clearml-agent daemon`",
    ]
    .map(str::to_owned)
    .into()
}

/// Returns a path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+:@".contains(c));
    if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_a_space_is_quoted_for_the_shell() {
        assert_eq!(quoted(Path::new("/opt/trains")), "/opt/trains");
        assert_eq!(quoted(Path::new("/mnt/it's here")), r"'/mnt/it'\''s here'");
    }
}
