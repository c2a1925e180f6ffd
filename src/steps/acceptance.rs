//! Documents that are accepted to be left out: for as long as the data are those that were read when that was said.

use crate::elastic::Accepted;
use crate::error::Result;
use crate::files;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What was accepted in a migration.
#[derive(Debug, Default)]
pub struct Acceptance {
    /// In this call of the program.
    said: Arc<Accepted>,
    /// In this one and in those before.
    all: Arc<Accepted>,
    /// Where all is kept.
    file: Option<PathBuf>,
    forgotten: AtomicBool,
}

impl Acceptance {
    /// Returns what was accepted, of which some was `said` in this call, and that is kept in `file`.
    pub fn new(said: Arc<Accepted>, all: Arc<Accepted>, file: PathBuf) -> Self {
        Self { said, all, file: Some(file), forgotten: AtomicBool::new(false) }
    }

    /// Returns what is left out.
    pub(super) fn current(&self) -> Arc<Accepted> {
        Arc::clone(if self.forgotten.load(Ordering::Relaxed) { &self.said } else { &self.all })
    }

    /// Forgets what was said before this call: the documents may be others by now. Returns whether there was any.
    ///
    /// # Errors
    /// Fails when the file cannot be removed.
    pub(super) fn forget(&self) -> Result<bool> {
        if let Some(file) = &self.file
            && files::exists(file)?
        {
            files::remove_file(file)?;
        }
        let is_first = !self.forgotten.swap(true, Ordering::Relaxed);
        Ok(is_first && self.all.len() > self.said.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elastic::Key;

    #[test]
    fn what_was_accepted_of_data_that_have_changed_is_forgotten_but_for_what_is_said_now() {
        let accepted = |ids: &[&str]| {
            let mut accepted = Accepted::default();
            ids.iter().for_each(|id| accepted.insert("x".into(), Key { id: (*id).into(), kind: None, routing: None }));
            Arc::new(accepted)
        };
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("accepted");
        std::fs::write(&file, "").unwrap();
        let acceptance = Acceptance::new(accepted(&["b"]), accepted(&["a", "b"]), file.clone());
        assert_eq!(acceptance.current(), accepted(&["a", "b"]));
        assert!(acceptance.forget().unwrap() && !file.exists());
        assert_eq!(acceptance.current(), accepted(&["b"]));
        assert!(!acceptance.forget().unwrap(), "told once");
        let nothing_more = Acceptance::new(accepted(&["b"]), accepted(&["b"]), file);
        assert!(!nothing_more.forget().unwrap(), "nothing to be told");
    }
}
