//! Colours, aligned tables and diffs as text. What is plain stays plain: without colours not one escape is written.

use similar::{ChangeTag, TextDiff};

/// Colours text, or leaves it alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paint {
    on: bool,
}

impl Paint {
    /// Returns a painter that colours only if `on`.
    pub fn new(on: bool) -> Self {
        Self { on }
    }

    /// Paints a heading.
    pub fn bold(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// Paints what matters less.
    pub fn dim(self, text: &str) -> String {
        self.wrap("2", text)
    }

    /// Paints an error.
    pub fn red(self, text: &str) -> String {
        self.wrap("31", text)
    }

    /// Paints a success.
    pub fn green(self, text: &str) -> String {
        self.wrap("32", text)
    }

    /// Paints a warning.
    pub fn yellow(self, text: &str) -> String {
        self.wrap("33", text)
    }

    /// Paints what can be typed or looked up.
    pub fn cyan(self, text: &str) -> String {
        self.wrap("36", text)
    }

    fn wrap(self, code: &str, text: &str) -> String {
        match self.on && !text.is_empty() {
            true => format!("\u{1b}[{code}m{text}\u{1b}[0m"),
            false => text.to_owned(),
        }
    }

    /// Returns the unified diff of two texts, headed by two names, with three lines of context; empty if they are equal.
    pub fn diff(self, old_name: &str, new_name: &str, old: &str, new: &str) -> String {
        if old == new {
            return String::new();
        }
        let diff = TextDiff::from_lines(old, new);
        let mut text =
            format!("{}\n{}\n", self.bold(&format!("--- {old_name}")), self.bold(&format!("+++ {new_name}")));
        for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
            text.push_str(&self.cyan(&hunk.header().to_string()));
            text.push('\n');
            for change in hunk.iter_changes() {
                let line = change.value().trim_end_matches(['\n', '\r']);
                text.push_str(&match change.tag() {
                    ChangeTag::Equal => format!(" {line}"),
                    ChangeTag::Delete => self.red(&format!("-{line}")),
                    ChangeTag::Insert => self.green(&format!("+{line}")),
                });
                text.push('\n');
            }
        }
        text
    }
}

/// How a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// Returns rows as lines with aligned columns, two spaces apart and indented by `indent`. Cells may be coloured; the last
/// column is not padded, and columns beyond `aligns` are left-aligned.
pub fn table(indent: usize, aligns: &[Align], rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = " ".repeat(indent);
        for (column, (cell, widest)) in row.iter().zip(&widths).enumerate() {
            let gap = " ".repeat(widest.saturating_sub(width(cell)));
            let last = column + 1 == row.len();
            match aligns.get(column) {
                Some(Align::Right) => line.extend([gap.as_str(), cell]),
                _ if last => line.push_str(cell),
                _ => line.extend([cell, gap.as_str()]),
            }
            if !last {
                line.push_str("  ");
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Columns that a text takes on a terminal, escapes not counted.
fn width(text: &str) -> usize {
    console::measure_text_width(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colours_there_is_no_escape() {
        let plain = Paint::new(false);
        assert_eq!(plain.red("x") + &plain.bold("y"), "xy");
        assert_eq!(Paint::new(true).green("ok"), "\u{1b}[32mok\u{1b}[0m");
        assert!(!plain.diff("a", "b", "1\n", "2\n").contains('\u{1b}'));
    }

    #[test]
    fn columns_line_up_whatever_their_colour() {
        let rows = vec![
            vec![Paint::new(true).green("a"), "1".to_owned(), "first".to_owned()],
            vec!["längst".to_owned(), "1,000".to_owned()],
        ];
        let text = table(2, &[Align::Left, Align::Right], &rows);
        assert_eq!(text, "  \u{1b}[32ma\u{1b}[0m           1  first\n  längst  1,000\n");
    }

    #[test]
    fn a_diff_shows_what_changes_and_where() {
        let old = "services:\n  elasticsearch:\n    image: elasticsearch:5.6.16\n    restart: always\n";
        let new = old.replace("5.6.16", "7.6.2");
        let diff = Paint::new(false).diff("docker-compose.yml", "docker-compose.yml (new)", old, &new);
        let expected = "--- docker-compose.yml\n+++ docker-compose.yml (new)\n@@ -1,4 +1,4 @@\n services:\n   elasticsearch:\n\
            -    image: elasticsearch:5.6.16\n+    image: elasticsearch:7.6.2\n     restart: always\n";
        assert_eq!(diff, expected);
        assert_eq!(Paint::new(true).diff("a", "b", old, old), "");
    }
}
