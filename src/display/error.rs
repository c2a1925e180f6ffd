//! Errors as users read them: what happened, why, and what to type next.

use super::paint::Paint;
use crate::error::{Error, Kind};

/// Returns the error as lines: `Error:`, `Caused by:`, `Hint:`. What the user stopped is no error.
pub fn render(error: &Error, paint: Paint) -> String {
    let mut text = match error.kind() {
        Kind::Cancelled => format!("{}\n", paint.yellow(error.message())),
        _ => format!("{} {}\n", paint.red("Error:"), error.message()),
    };
    let causes = error.causes();
    match causes.as_slice() {
        [] => {}
        [only] => text.push_str(&format!("{} {}\n", paint.bold("Caused by:"), indented(only, 4))),
        several => {
            text.push_str(&format!("{}\n", paint.bold("Caused by:")));
            for (number, cause) in several.iter().enumerate() {
                text.push_str(&format!("  {}: {}\n", number + 1, indented(cause, 5)));
            }
        }
    }
    for hint in error.hints() {
        text.push_str(&format!("{} {}\n", paint.cyan("Hint:"), indented(hint, 6)));
    }
    text
}

/// Keeps the further lines of a text below its first one.
fn indented(text: &str, by: usize) -> String {
    text.trim_end().replace('\n', &format!("\n{}", " ".repeat(by)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_why_and_what_next() {
        let disk = std::io::Error::other("No space left on device (os error 28)");
        let inner = Error::failed("/opt/trains/data/elastic_7/a cannot be written.").because(disk);
        let error = Error::failed("The copy stopped.").because(inner).hint("Free 2.0 GiB.\nThen type it again.");
        insta::assert_snapshot!(render(&error, Paint::new(false)), @r"
        Error: The copy stopped.
        Caused by:
          1: /opt/trains/data/elastic_7/a cannot be written.
          2: No space left on device (os error 28)
        Hint: Free 2.0 GiB.
              Then type it again.
        ");
    }

    #[test]
    fn what_the_user_stopped_is_not_called_an_error() {
        let shown = render(&Error::cancelled().hint("Go on: docker clearml-migrate"), Paint::new(false));
        assert_eq!(shown, "Stopped on request.\nHint: Go on: docker clearml-migrate\n");
    }

    #[test]
    fn a_single_cause_stays_on_its_line() {
        let error = Error::refused("Docker does not answer.").because(std::io::Error::other("connection refused"));
        let shown = render(&error, Paint::new(false));
        assert_eq!(shown, "Error: Docker does not answer.\nCaused by: connection refused\n");
        assert!(render(&error, Paint::new(true)).starts_with("\u{1b}[31mError:\u{1b}[0m "));
    }
}
