//! What steps have kept, read back: it is read whole, or it is an error that names it. Nothing that was kept is passed
//! over because it cannot be understood.

use super::kept::Kept;
use super::state::State;
use crate::error::{Error, Result};
use serde::de::DeserializeOwned;

impl State {
    /// Returns the latest note of a step under `key`; nothing if there is none.
    ///
    /// # Errors
    /// Fails, naming step and key, where the note cannot be read or is not in the expected form.
    pub fn noted<T: DeserializeOwned>(&self, step: &str, key: &str) -> Result<Option<T>> {
        self.step(step).notes.get(key).map(|kept| self.read_note(kept, step, key)).transpose()
    }

    /// Returns the notes of a step whose keys begin with `beginning`, by the rest of their keys.
    ///
    /// # Errors
    /// As [`State::noted`].
    pub fn all_noted<T: DeserializeOwned>(&self, step: &str, beginning: &str) -> Result<Vec<(String, T)>> {
        let ours =
            self.step(step).notes.iter().filter_map(|(key, kept)| Some((key.strip_prefix(beginning)?, key, kept)));
        ours.map(|(rest, key, kept)| Ok((rest.to_owned(), self.read_note(kept, step, key)?))).collect()
    }

    /// Returns the output of a finished step; nothing if it is not finished.
    ///
    /// # Errors
    /// Fails, naming the step, where the output is not in the expected form.
    pub fn output<T: DeserializeOwned>(&self, step: &str) -> Result<Option<T>> {
        let output = self.step(step).output.as_ref();
        output.map(|value| T::deserialize(value).map_err(|cause| unreadable(step, "the result", cause))).transpose()
    }

    fn read_note<T: DeserializeOwned>(&self, kept: &Kept, step: &str, key: &str) -> Result<T> {
        self.place.read(kept).map_err(|cause| unreadable(step, &format!("the note \"{key}\""), cause))
    }
}

fn unreadable(step: &str, what: &str, cause: impl Into<anyhow::Error>) -> Error {
    Error::failed(format!("In the journal, {what} of the step {step} cannot be understood."))
        .because(cause)
        .hint("Another version of this program may have written it: use the one that began the migration.")
        .hint("Or take the migration back with that version (rollback), and begin it again with this one.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Record;
    use crate::journal::sample;
    use serde_json::{Value, json};

    fn state() -> State {
        let mut state = State::new(sample::opened());
        let note = |key: &str, value: Value| Record::Note { step: "copy".into(), key: key.into(), value: value.into() };
        let records = [
            Record::Planned { plan: json!({}), fingerprints: Default::default() },
            Record::Started { step: "copy".into() },
            note("index a", json!(3)),
            note("index b", json!("four")),
            note("reader", json!("files")),
            Record::Finished { step: "copy".into(), output: json!({ "counts": 7 }) },
        ];
        records.into_iter().for_each(|record| state.apply(record).unwrap());
        state
    }

    #[test]
    fn what_was_noted_is_read_or_named() {
        let state = state();
        assert_eq!(state.noted::<u64>("copy", "index a").unwrap(), Some(3));
        assert_eq!(state.noted::<u64>("copy", "index c").unwrap(), None);
        assert_eq!(state.noted::<u64>("verify", "index a").unwrap(), None);
        let error = state.noted::<u64>("copy", "index b").unwrap_err();
        assert_eq!(error.message(), "In the journal, the note \"index b\" of the step copy cannot be understood.");
        assert!(error.causes()[0].contains("four") && error.hints()[1].contains("rollback"), "{error:?}");
    }

    #[test]
    fn notes_are_told_apart_by_their_keys_and_not_by_what_can_be_read() {
        let state = state();
        let all = state.all_noted::<Value>("copy", "index ").unwrap();
        assert_eq!(all, [("a".to_owned(), json!(3)), ("b".to_owned(), json!("four"))]);
        let error = state.all_noted::<u64>("copy", "index ").unwrap_err();
        assert!(error.message().contains("\"index b\""), "{error:?}");
    }

    #[test]
    fn a_result_is_read_or_its_step_is_named() {
        let state = state();
        assert_eq!(state.output::<Value>("copy").unwrap(), Some(json!({ "counts": 7 })));
        assert_eq!(state.output::<Value>("verify").unwrap(), None);
        let error = state.output::<Vec<u64>>("copy").unwrap_err();
        assert!(error.message().contains("the result of the step copy"), "{error:?}");
    }
}
