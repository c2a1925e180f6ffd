//! Words in commands that are shown to be typed.

/// Quotes a word for the shell, where it needs that.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+=,".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn only_words_that_the_shell_would_read_otherwise_are_quoted() {
        let shown = ["/opt/trains", "", "a b", "it's", "$HOME"].map(quote);
        assert_eq!(shown, ["/opt/trains", "''", "'a b'", r"'it'\''s'", "'$HOME'"]);
    }
}
