//! What was begun is finished as it was agreed on: options that say otherwise would be another migration, and are not
//! passed over in silence. Memory alone may be given anew: too little of it may be why a run failed.

use super::session::settled;
use crate::error::{Error, Result};
use crate::files;
use crate::plan::heaps;
use crate::plan::{Plan, Reader};
use crate::settings::{Backup, Migration, NewHome, ReaderWish, Subject};
use std::path::Path;

/// Options as they were typed this time, as far as they were.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    goal: Option<String>,
    target: Option<&'a Path>,
    new_home: Option<&'a NewHome>,
    backup: Option<Backup>,
    backup_dir: Option<&'a Path>,
    reader: ReaderWish,
    empty: bool,
    rescue: bool,
    memory: Option<u64>,
}

impl<'a> Said<'a> {
    /// Returns what was said.
    pub fn of(settings: &'a Migration) -> Self {
        let copying = &settings.copying;
        let said = Self {
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
                ..said
            },
            Subject::Data(data) => Self {
                goal: data.version.as_ref().map(|version| format!("Elasticsearch {version}")),
                target: data.target.as_deref(),
                ..said
            },
        }
    }

    /// Makes sure that nothing else was said than the plan was made of, and takes the memory into it.
    ///
    /// # Errors
    /// Refused, naming what was begun and what was said.
    pub fn settle(&self, plan: &mut Plan) -> Result<()> {
        if let Some((begun, said)) = self.difference(plan) {
            let subject = plan.subject().display();
            return Err(Error::refused(format!("The migration of {subject} was begun {begun}, not {said}.")));
        }
        if let (Some(memory), Some(elastic)) = (self.memory, plan.elastic_mut()) {
            elastic.heaps = heaps(0, Some(memory), &elastic.reader);
        }
        Ok(())
    }

    /// Returns the first difference, as two phrases.
    fn difference(&self, plan: &Plan) -> Option<(String, String)> {
        let differ = |begun: String, said: String| (begun != said).then_some((begun, said));
        let target = plan.replacements().next().map(|one| one.target.as_path());
        let goal = self.goal.as_ref().and_then(|said| differ(format!("to {}", plan.goal()), format!("to {said}")));
        let into = |path: &Path| format!("into {}", path.display());
        let target = self.target.and_then(|said| differ(target.map(into).unwrap_or_default(), into(said)));
        let home = self.new_home.and_then(|said| new_home(plan, said));
        let backup = self.backup.and_then(|said| differ(with_backup(backup(plan)), with_backup(said)));
        let backup_dir = self.backup_dir.and_then(|said| backup_dir(plan, said));
        let reader = reader(plan, self.reader)
            .map(|(begun, said)| (format!("with --reader {begun}"), format!("with --reader {said}")));
        // Where it was begun with one of these, it need not be said again.
        let without = |option: &str| (format!("without {option}"), "with it".to_owned());
        let empty = (self.empty && plan.elastic().is_some_and(|elastic| !elastic.empty)).then(|| without("--empty"));
        let rescue = (self.rescue && plan.rescues.is_empty()).then(|| without("--rescue"));
        goal.or(target).or(home).or(backup).or(backup_dir).or(reader).or(empty).or(rescue)
    }
}

/// Where the home stays although another name was asked for, the plan said why.
fn new_home(plan: &Plan, said: &NewHome) -> Option<(String, String)> {
    let to = |path: &Path| format!("with --new-home {}", path.display());
    match (said, &plan.home.to) {
        (NewHome::At(said), Some(begun)) if !is_same(plan, begun, said) => Some((to(begun), to(said))),
        (NewHome::At(said), None) if !plan.home.wished.as_ref().is_some_and(|wished| is_same(plan, wished, said)) => {
            Some((format!("with the home staying {}", plan.home.from.display()), to(said)))
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
fn is_same(plan: &Plan, begun: &Path, said: &Path) -> bool {
    let now = plan.home.after(begun);
    let real = |path: &Path| files::canonical(path).ok();
    let is_said =
        |path: &Path| path == said || path == settled(said) || real(path).is_some_and(|path| Some(path) == real(said));
    is_said(begun) || is_said(&now)
}

/// The directory that `--backup-dir` names: a server's archives lie in one of the run's own in it.
fn backup_dir(plan: &Plan, said: &Path) -> Option<(String, String)> {
    let dir = plan.archives.first().and_then(|archive| archive.file.parent());
    let dir = if plan.server().is_some() { dir.and_then(Path::parent) } else { dir };
    match dir {
        Some(dir) if is_same(plan, dir, said) => None,
        Some(dir) => Some((with_backup_dir(dir), with_backup_dir(said))),
        None => Some(("without a backup".to_owned(), with_backup_dir(said))),
    }
}

fn with_backup_dir(dir: &Path) -> String {
    format!("with --backup-dir {}", dir.display())
}

/// Returns which reader was begun with and which was said, where that is not what happens anyway.
fn reader(plan: &Plan, said: ReaderWish) -> Option<(&'static str, &'static str)> {
    match (&plan.elastic()?.reader, said) {
        (_, ReaderWish::Auto)
        | (Reader::Segments { fallback: false }, ReaderWish::Segments)
        | (Reader::Scroll { .. }, ReaderWish::Scroll) => None,
        (begun, said) => Some((
            match begun {
                Reader::Scroll { asked: true, .. } => "scroll",
                Reader::Segments { fallback: false } => "segments",
                Reader::Scroll { .. } | Reader::Segments { .. } => "auto",
            },
            if said == ReaderWish::Scroll { "scroll" } else { "segments" },
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    fn refused(said: &Said<'_>) -> Option<String> {
        said.settle(&mut sample::plan()).err().map(|error| error.message().to_owned())
    }

    #[test]
    fn what_was_not_said_or_said_again_goes_on() {
        let plan = sample::plan();
        assert_eq!(refused(&Said::default()), None);
        let home = NewHome::At(plan.home.to.clone().unwrap());
        let again = Said {
            goal: Some(plan.goal()),
            target: Some(&plan.stores[0].places[0].target),
            new_home: Some(&home),
            backup: Some(backup(&plan)),
            backup_dir: plan.archives[0].file.parent().unwrap().parent(),
            ..Said::default()
        };
        assert_eq!(refused(&again), None);
        let after = Said { backup_dir: Some(Path::new("/opt/clearml/.clearml-migrate/backup")), ..Said::default() };
        assert_eq!(refused(&after), None, "as it is called once the home has moved");

        let dir = tempfile::tempdir().unwrap();
        let real = dir.path().canonicalize().unwrap();
        std::fs::create_dir(real.join("trains")).unwrap();
        let mut plan = sample::plan();
        plan.home.to = Some(real.join("clearml"));
        let again = NewHome::At(real.join("trains/../clearml"));
        Said { new_home: Some(&again), ..Said::default() }.settle(&mut plan).unwrap();
        // It was asked for, and not possible.
        plan.home.wished = plan.home.to.take();
        Said { new_home: Some(&again), ..Said::default() }.settle(&mut plan).unwrap();
        plan.home.wished = None;
        Said { new_home: Some(&again), ..Said::default() }.settle(&mut plan).unwrap_err();
    }

    #[test]
    fn what_was_said_otherwise_is_told_and_refused() {
        let subject = sample::plan().subject().display().to_string();
        let begun = format!("The migration of {subject} was begun ");
        let elsewhere = Some(Path::new("/elsewhere"));
        for (said, part) in [
            (Said { goal: Some("release 1.0".into()), ..Said::default() }, "to release 1.1, not to release 1.0."),
            (Said { new_home: Some(&NewHome::Keep), ..Said::default() }, "not with --keep-home."),
            (Said { backup: Some(Backup::None), ..Said::default() }, "not with --backup none."),
            (Said { backup_dir: elsewhere, ..Said::default() }, "not with --backup-dir /elsewhere."),
            (Said { reader: ReaderWish::Scroll, ..Said::default() }, "with --reader auto, not with --reader scroll."),
            (Said { target: elsewhere, ..Said::default() }, "not into /elsewhere."),
            (Said { empty: true, ..Said::default() }, "without --empty, not with it."),
        ] {
            let message = refused(&said).unwrap();
            assert!(message.starts_with(&begun) && message.ends_with(part), "{message}");
        }
    }

    #[test]
    fn memory_may_be_given_anew() {
        let mut plan = sample::plan();
        Said { memory: Some(6 << 30), ..Said::default() }.settle(&mut plan).unwrap();
        assert_eq!(plan.elastic().unwrap().heaps.target, 4 << 30);
        Said { memory: Some(3 << 30), ..Said::default() }.settle(&mut plan).unwrap();
        assert_eq!(plan.elastic().unwrap().heaps.target, 2 << 30);
    }
}
