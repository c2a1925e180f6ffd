//! What was begun is finished as it was agreed on: options that say otherwise would be another migration, and are not
//! passed over in silence. Memory alone may be given anew: too little of it may be why a run failed.

use super::session::settled;
use crate::error::{Error, Result};
use crate::files;
use crate::plan::heaps;
use crate::plan::{Plan, Reader};
use crate::settings::{Backup, Migration, NewHome, ReaderChoice, Subject};
use std::path::Path;

/// Options as they were typed this time, as far as they were.
#[derive(Debug, Default)]
pub(super) struct TypedOptions<'a> {
    goal: Option<String>,
    target: Option<&'a Path>,
    new_home: Option<&'a NewHome>,
    backup: Option<Backup>,
    backup_dir: Option<&'a Path>,
    reader: ReaderChoice,
    empty: bool,
    rescue: bool,
    memory: Option<u64>,
}

impl<'a> TypedOptions<'a> {
    /// Returns what was said.
    pub fn of(settings: &'a Migration) -> Self {
        let copying = &settings.copying;
        let typed = Self {
            backup: copying.backup,
            backup_dir: copying.backup_dir.as_deref(),
            reader: copying.reader,
            empty: copying.empty,
            memory: copying.memory,
            ..Self::default()
        };
        match &settings.subject {
            Subject::Server(server) => Self {
                goal: server.release.map(|release| format!("release {}", release.version)),
                new_home: Some(&server.new_home),
                rescue: server.rescue,
                ..typed
            },
            Subject::Data(data) => Self {
                goal: data.version.as_ref().map(|version| format!("Elasticsearch {version}")),
                target: data.target.as_deref(),
                ..typed
            },
        }
    }

    /// Makes sure that nothing else was said than the plan was made of, and takes the memory into it.
    ///
    /// # Errors
    /// Refused, naming what was begun and what was said.
    pub fn settle(&self, plan: &mut Plan) -> Result<()> {
        if let Some((begun, typed)) = self.difference(plan) {
            let subject = plan.subject().display();
            return Err(Error::refused(format!("The migration of {subject} was begun {begun}, not {typed}.")));
        }
        if let (Some(memory), Some(elastic)) = (self.memory, plan.elastic_mut()) {
            elastic.heaps = heaps(0, Some(memory), &elastic.reader);
        }
        Ok(())
    }

    /// Returns the first difference, as two phrases.
    fn difference(&self, plan: &Plan) -> Option<(String, String)> {
        let differ = |begun: String, typed: String| (begun != typed).then_some((begun, typed));
        let target = plan.replacements().next().map(|one| one.target.as_path());
        let goal = self.goal.as_ref().and_then(|typed| differ(format!("to {}", plan.goal()), format!("to {typed}")));
        let into = |path: &Path| format!("into {}", path.display());
        let target = self.target.and_then(|typed| differ(target.map(into).unwrap_or_default(), into(typed)));
        let home = self.new_home.and_then(|typed| new_home(plan, typed));
        let backup = self.backup.and_then(|typed| differ(with_backup(backup(plan)), with_backup(typed)));
        let backup_dir = self.backup_dir.and_then(|typed| backup_dir(plan, typed));
        let reader = reader(plan, self.reader)
            .map(|(begun, typed)| (format!("with --reader {begun}"), format!("with --reader {typed}")));
        // Where it was begun with one of these, it need not be said again.
        let without = |option: &str| (format!("without {option}"), "with it".to_owned());
        let empty = (self.empty && plan.elastic().is_some_and(|elastic| !elastic.empty)).then(|| without("--empty"));
        let rescue = (self.rescue && plan.rescues.is_empty()).then(|| without("--rescue"));
        goal.or(target).or(home).or(backup).or(backup_dir).or(reader).or(empty).or(rescue)
    }
}

/// Where the home stays although another name was asked for, the plan said why.
fn new_home(plan: &Plan, typed: &NewHome) -> Option<(String, String)> {
    let to = |path: &Path| format!("with --new-home {}", path.display());
    match (typed, &plan.home.to) {
        (NewHome::At(typed), Some(begun)) if !is_same(plan, begun, typed) => Some((to(begun), to(typed))),
        (NewHome::At(typed), None) if !plan.home.wished.as_ref().is_some_and(|wished| is_same(plan, wished, typed)) => {
            Some((format!("with the home staying {}", plan.home.from.display()), to(typed)))
        }
        (NewHome::Keep, Some(begun)) => Some((to(begun), "with --keep-home".to_owned())),
        _ => None,
    }
}

fn backup(plan: &Plan) -> Backup {
    let archived = |path: &Path| plan.archives.iter().any(|archive| archive.source == path);
    // Elasticsearch's data are the first.
    match plan.archives.is_empty() {
        true => Backup::None,
        false if plan.replacements().skip(1).any(|one| archived(&one.source)) => Backup::All,
        false => Backup::Elastic,
    }
}

fn with_backup(backup: Backup) -> String {
    let what = match backup {
        Backup::All => "all",
        Backup::Elastic => "elastic",
        Backup::None => "none",
    };
    format!("with --backup {what}")
}

/// Whether a path that was said is one of the plan: in the words of the plan, or as it is called since the home moved,
/// from where relative paths lead elsewhere.
fn is_same(plan: &Plan, begun: &Path, typed: &Path) -> bool {
    let now = plan.home.after(begun);
    let real = |path: &Path| files::canonical(path).ok();
    let is_said = |path: &Path| {
        path == typed || path == settled(typed) || real(path).is_some_and(|path| Some(path) == real(typed))
    };
    is_said(begun) || is_said(&now)
}

/// The directory that `--backup-dir` names: a server's archives lie in one of the run's own in it.
fn backup_dir(plan: &Plan, typed: &Path) -> Option<(String, String)> {
    let dir = plan.archives.first().and_then(|archive| archive.file.parent());
    let dir = if plan.server().is_some() { dir.and_then(Path::parent) } else { dir };
    match dir {
        Some(dir) if is_same(plan, dir, typed) => None,
        Some(dir) => Some((with_backup_dir(dir), with_backup_dir(typed))),
        None => Some(("without a backup".to_owned(), with_backup_dir(typed))),
    }
}

fn with_backup_dir(dir: &Path) -> String {
    format!("with --backup-dir {}", dir.display())
}

/// Returns which reader was begun with and which was said, where that is not what happens anyway.
fn reader(plan: &Plan, typed: ReaderChoice) -> Option<(&'static str, &'static str)> {
    match (&plan.elastic()?.reader, typed) {
        (_, ReaderChoice::Auto)
        | (Reader::Segments { fallback: false }, ReaderChoice::Segments)
        | (Reader::Scroll { .. }, ReaderChoice::Scroll) => None,
        (begun, typed) => Some((
            match begun {
                Reader::Scroll { asked: true, .. } => "scroll",
                Reader::Segments { fallback: false } => "segments",
                Reader::Scroll { .. } | Reader::Segments { .. } => "auto",
            },
            if typed == ReaderChoice::Scroll { "scroll" } else { "segments" },
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    fn refused(typed: &TypedOptions<'_>) -> Option<String> {
        typed.settle(&mut sample::plan()).err().map(|error| error.message().to_owned())
    }

    #[test]
    fn what_was_not_said_or_said_again_goes_on() {
        let plan = sample::plan();
        assert_eq!(refused(&TypedOptions::default()), None);
        let home = NewHome::At(plan.home.to.clone().unwrap());
        let again = TypedOptions {
            goal: Some(plan.goal()),
            target: Some(&plan.stores[0].places[0].target),
            new_home: Some(&home),
            backup: Some(backup(&plan)),
            backup_dir: plan.archives[0].file.parent().unwrap().parent(),
            ..TypedOptions::default()
        };
        assert_eq!(refused(&again), None);
        let after = TypedOptions {
            backup_dir: Some(Path::new("/opt/clearml/.clearml-migrate/backup")),
            ..TypedOptions::default()
        };
        assert_eq!(refused(&after), None, "as it is called once the home has moved");

        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("trains")).unwrap();
        let mut plan = sample::plan();
        plan.home.to = Some(real.join("clearml"));
        let again = NewHome::At(real.join("trains/../clearml"));
        TypedOptions { new_home: Some(&again), ..TypedOptions::default() }.settle(&mut plan).unwrap();
        // It was asked for, and not possible.
        plan.home.wished = plan.home.to.take();
        TypedOptions { new_home: Some(&again), ..TypedOptions::default() }.settle(&mut plan).unwrap();
        plan.home.wished = None;
        TypedOptions { new_home: Some(&again), ..TypedOptions::default() }.settle(&mut plan).unwrap_err();
    }

    #[test]
    fn what_was_said_otherwise_is_told_and_refused() {
        let subject = sample::plan().subject().display().to_string();
        let begun = format!("The migration of {subject} was begun ");
        let elsewhere = Some(Path::new("/elsewhere"));
        for (typed, part) in [
            (
                TypedOptions { goal: Some("release 1.0".into()), ..TypedOptions::default() },
                "to release 1.1, not to release 1.0.",
            ),
            (TypedOptions { new_home: Some(&NewHome::Keep), ..TypedOptions::default() }, "not with --keep-home."),
            (TypedOptions { backup: Some(Backup::None), ..TypedOptions::default() }, "not with --backup none."),
            (TypedOptions { backup_dir: elsewhere, ..TypedOptions::default() }, "not with --backup-dir /elsewhere."),
            (
                TypedOptions { reader: ReaderChoice::Scroll, ..TypedOptions::default() },
                "with --reader auto, not with --reader scroll.",
            ),
            (TypedOptions { target: elsewhere, ..TypedOptions::default() }, "not into /elsewhere."),
            (TypedOptions { empty: true, ..TypedOptions::default() }, "without --empty, not with it."),
        ] {
            let message = refused(&typed).unwrap();
            assert!(message.starts_with(&begun) && message.ends_with(part), "{message}");
        }
    }

    #[test]
    fn memory_may_be_given_anew() {
        let mut plan = sample::plan();
        TypedOptions { memory: Some(6 << 30), ..TypedOptions::default() }.settle(&mut plan).unwrap();
        assert_eq!(plan.elastic().unwrap().heaps.target, 4 << 30);
        TypedOptions { memory: Some(3 << 30), ..TypedOptions::default() }.settle(&mut plan).unwrap();
        assert_eq!(plan.elastic().unwrap().heaps.target, 2 << 30);
    }
}
