//! Questions to the user. Without a terminal nobody is asked and nothing is assumed.

use crate::error::{Error, Result};
use std::io::{self, BufRead};
use tokio_util::sync::CancellationToken;

/// One answer that a question has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// The letter to type.
    pub key: char,
    /// What it does, as a phrase.
    pub text: &'static str,
}

/// Yes and no.
pub(super) const YES_NO: [Choice; 2] = [Choice { key: 'y', text: "yes" }, Choice { key: 'n', text: "no" }];

/// Returns the index of the choice that `answer` means: its letter or its text, in any case; `default` for an empty line.
pub(super) fn interpret(answer: &str, choices: &[Choice], default: Option<usize>) -> Option<usize> {
    let answer = answer.trim().to_lowercase();
    if answer.is_empty() {
        return default;
    }
    choices.iter().position(|choice| answer == choice.key.to_string() || answer == choice.text.to_lowercase())
}

/// Returns the line that offers the choices; the default one in capitals.
pub(super) fn offer(question: &str, choices: &[Choice], default: Option<usize>) -> String {
    if choices == YES_NO {
        return format!("{question} [{}] ", if default == Some(0) { "Y/n" } else { "y/N" });
    }
    let lines: String = choices.iter().map(|choice| format!("  {}  {}\n", choice.key, choice.text)).collect();
    let keys: Vec<String> = choices.iter().map(|choice| choice.key.to_string()).collect();
    format!("{question}\n{lines}[{}] ", keys.join("/"))
}

/// The error of a question that nobody can answer.
pub(super) fn nobody(question: &str, hint: &str) -> Error {
    Error::refused(format!("Nobody can be asked here, as this is not a terminal. The question was: {question}"))
        .hint(hint)
}

/// Reads one line, or stops when cancelled. `read` runs on a thread of its own, which stays behind when cancelled: a read
/// of a terminal cannot be interrupted, and must not keep the program from ending.
pub(super) async fn line(
    read: impl FnOnce() -> io::Result<Option<String>> + Send + 'static,
    cancel: &CancellationToken,
) -> Result<String> {
    let (sender, receiver) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        // The receiver is gone after a cancellation, when nobody wants the answer any more.
        let _ = sender.send(read());
    });
    let answer = tokio::select! {
        biased;
        () = cancel.cancelled() => return Err(Error::cancelled()),
        answer = receiver => answer,
    };
    match answer {
        Ok(Ok(Some(line))) => Ok(line),
        // Ctrl-D, or the terminal was closed.
        Ok(Ok(None)) => Err(Error::cancelled()),
        Ok(Err(error)) => Err(Error::failed("The answer could not be read.").because(error)),
        Err(error) => Err(Error::internal("The thread that reads the answer ended.").because(error)),
    }
}

/// Reads a line of standard input; `None` at its end.
pub(super) fn read_stdin() -> io::Result<Option<String>> {
    let mut line = String::new();
    Ok((io::stdin().lock().read_line(&mut line)? > 0).then_some(line))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    const THREE: [Choice; 3] = [
        Choice { key: 'r', text: "go back to the old server" },
        Choice { key: 's', text: "stop here" },
        Choice { key: 'a', text: "try again" },
    ];

    #[test]
    fn letters_and_words_are_answers_and_nothing_else_is() {
        assert_eq!(interpret(" Y\n", &YES_NO, Some(1)), Some(0));
        assert_eq!(interpret("no", &YES_NO, None), Some(1));
        assert_eq!(interpret("\n", &YES_NO, Some(1)), Some(1));
        assert_eq!(interpret("yeah", &YES_NO, Some(1)), None);
        assert_eq!(interpret("", &THREE, None), None);
        assert_eq!(interpret("Try Again", &THREE, None), Some(2));
    }

    #[test]
    fn the_offer_shows_what_to_type() {
        assert_eq!(offer("Migrate now?", &YES_NO, Some(1)), "Migrate now? [y/N] ");
        let expected = "What now?\n  r  go back to the old server\n  s  stop here\n  a  try again\n[r/s/a] ";
        assert_eq!(offer("What now?", &THREE, None), expected);
    }

    #[tokio::test]
    async fn a_cancelled_question_ends_though_the_read_does_not() {
        let cancel = CancellationToken::new();
        let (keep, wait) = std::sync::mpsc::channel::<()>();
        let asked = line(move || wait.recv().map(|()| None).map_err(io::Error::other), &cancel);
        let (answer, ()) = tokio::join!(asked, async { cancel.cancel() });
        assert_eq!(answer.unwrap_err().kind(), Kind::Cancelled);
        drop(keep);
    }

    #[tokio::test]
    async fn the_end_of_input_is_no_answer() {
        let cancel = CancellationToken::new();
        assert_eq!(line(|| Ok(None), &cancel).await.unwrap_err().kind(), Kind::Cancelled);
        assert_eq!(line(|| Ok(Some("y\n".into())), &cancel).await.unwrap(), "y\n");
    }
}
