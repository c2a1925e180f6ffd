//! A command line as words, as a shell cuts it: compose does so with a `command` that is one text.

/// The words of one command.
pub type Words = Vec<String>;

/// Cuts a text into commands and these into words. Quotes and backslashes are taken away; variables stay as they are
/// written; `;`, `&`, `|` and the end of a line part commands.
pub fn commands(text: &str) -> Vec<Words> {
    let mut all = Vec::new();
    let (mut words, mut word): (Words, Option<String>) = (Vec::new(), None);
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '\'' => {
                let word = word.get_or_insert_default();
                word.extend(chars.by_ref().take_while(|char| *char != '\''));
            }
            '"' => {
                let word = word.get_or_insert_default();
                while let Some(char) = chars.next().filter(|char| *char != '"') {
                    match char {
                        '\\' => word.extend(chars.next()),
                        other => word.push(other),
                    }
                }
            }
            '\\' => match chars.next() {
                Some('\n') | None => {}
                Some(char) => word.get_or_insert_default().push(char),
            },
            ';' | '&' | '|' | '\n' => {
                words.extend(word.take());
                all.push(std::mem::take(&mut words));
            }
            char if char.is_whitespace() => words.extend(word.take()),
            char => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    all.push(words);
    all.retain(|words| !words.is_empty());
    all
}

/// Cuts a text into words, all of its commands together.
pub fn words(text: &str) -> Words {
    commands(text).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_as_a_shell_cuts_it() {
        let cases = [
            ("redis-server --dir /tmp", vec![vec!["redis-server", "--dir", "/tmp"]]),
            ("a 'b c' \"d \\\" e\" f\\ g", vec![vec!["a", "b c", "d \" e", "f g"]]),
            (
                "mkdir -p /x && exec mongod --dbpath=\"/x\"; true",
                vec![vec!["mkdir", "-p", "/x"], vec!["exec", "mongod", "--dbpath=/x"], vec!["true"]],
            ),
            ("a \\\n b", vec![vec!["a", "b"]]),
            ("a ''", vec![vec!["a", ""]]),
            ("  ", vec![]),
            ("it's \"never closed", vec![vec!["its \"never closed"]]),
        ];
        for (text, expected) in cases {
            assert_eq!(commands(text), expected, "{text}");
        }
    }
}
