//! What a container's log tells of trouble, short enough to be read.

/// Lines are shown up to this many characters: a server lists its methods in one line of 3 kB.
const LONGEST: usize = 240;
/// Words of their own that tell of trouble, in lower case.
const TELLING: [&str; 12] = [
    "error",
    "errors",
    "failed",
    "failure",
    "failing",
    "critical",
    "fatal",
    "emerg",
    "panic",
    "exception",
    "refused",
    "aborting",
];

/// Returns the last lines of a log that tell of trouble, in their order, at most `shown`; the last ones at all where none
/// does. Long lines are cut.
pub fn trouble(lines: &[String], shown: usize) -> String {
    let cut: Vec<String> = lines.iter().map(|line| cut(line)).collect();
    let telling: Vec<&str> = cut.iter().filter(|line| tells(line)).map(String::as_str).collect();
    let words = if telling.is_empty() { cut.iter().map(String::as_str).collect() } else { telling };
    words.get(words.len().saturating_sub(shown)..).unwrap_or_default().join("\n")
}

/// Returns a line as it is shown: whole, or its beginning and an ellipsis.
pub(super) fn cut(line: &str) -> String {
    match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{} …", line.get(..at).unwrap_or_default().trim_end()),
        None => line.to_owned(),
    }
}

/// Whether one of a line's words is about trouble: `ERROR`, `failed,`, `pymongo.errors.ServerSelectionTimeoutError:`. The
/// name of a method, `tasks.failed`, is not.
fn tells(line: &str) -> bool {
    line.split_whitespace().any(|word| {
        let word = word.trim_matches(|letter: char| !letter.is_alphanumeric());
        let is_class = word.ends_with("Error") || word.ends_with("Exception");
        is_class || TELLING.contains(&word.to_lowercase().as_str())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn of_a_long_log_the_lines_that_tell_of_trouble_are_shown() {
        let told = trouble(&log("starting\nMigration 0.17.0 failed, aborting\nlistening\nGET / 200"), 8);
        assert_eq!(told, "Migration 0.17.0 failed, aborting");
        assert_eq!(trouble(&log("starting\nlistening"), 8), "starting\nlistening");
    }

    #[test]
    fn the_list_of_a_servers_methods_does_not_hide_the_cause() {
        let methods = format!("[INFO] Exposed Services: {}", "tasks.failed events.get_task_errors ".repeat(90));
        let text = format!(
            "pymongo.errors.ServerSelectionTimeoutError: mongo:27017: [Errno -2]\n{methods}\nnginx: [emerg] host not found"
        );
        assert_eq!(
            trouble(&log(&text), 8),
            "pymongo.errors.ServerSelectionTimeoutError: mongo:27017: [Errno -2]\nnginx: [emerg] host not found"
        );
        assert_eq!(trouble(&log(&text), 1), "nginx: [emerg] host not found");
    }

    #[test]
    fn a_long_line_is_cut_between_two_characters() {
        let told = trouble(&log(&format!("ERROR {}", "ü".repeat(3000))), 8);
        assert_eq!(told, format!("ERROR {} …", "ü".repeat(LONGEST - 6)));
    }
}
