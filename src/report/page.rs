//! Titled blocks of wrapped lines. 80 columns, so that nothing is torn on the smallest terminal; what must not be
//! torn, such as a path or a command, has no spaces or is given as [`Page::exact`].

use crate::display::Paint;

const COLUMNS: usize = 80;

/// A text that grows line by line.
pub(super) struct Page {
    text: String,
    paint: Paint,
}

impl Page {
    pub(super) fn new(paint: Paint) -> Self {
        Self { text: String::new(), paint }
    }

    /// Begins a block.
    pub(super) fn title(&mut self, title: &str) {
        if !matches!(self.text.as_str(), "" | "\n") {
            self.text.push('\n');
        }
        self.exact(0, &self.paint.bold(title));
    }

    /// Adds a wrapped paragraph; `indent` is that of all its lines.
    pub(super) fn paragraph(&mut self, indent: usize, text: &str) {
        self.item(indent, "", text);
    }

    /// Adds a wrapped paragraph with a marker, such as a number, in front of its first line and nothing below it.
    pub(super) fn item(&mut self, indent: usize, marker: &str, text: &str) {
        let margin = indent + console::measure_text_width(marker);
        for (number, line) in wrap(text, COLUMNS.saturating_sub(margin)).iter().enumerate() {
            match number {
                0 => self.exact(indent, &format!("{marker}{line}")),
                _ => self.exact(margin, line),
            }
        }
    }

    /// Adds a line as it is.
    pub(super) fn exact(&mut self, indent: usize, line: &str) {
        self.text.push_str(&" ".repeat(indent));
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// Adds a block with a title, or nothing where there are no lines.
    pub(super) fn block(&mut self, title: &str, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.title(title);
        for line in lines {
            self.item(2, "- ", line);
        }
    }

    pub(super) fn paint(&self) -> Paint {
        self.paint
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// Returns the lines of a text, broken at spaces; a word that is too long gets a line of its own. An arrow stays with
/// what it points to.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut words = text.split_whitespace();
    while let Some(first) = words.next() {
        let word = match first {
            "→" => format!("→ {}", words.next().unwrap_or_default()),
            _ => first.to_owned(),
        };
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > columns {
            lines.push(std::mem::take(&mut line));
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&word);
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces_and_never_within_a_path() {
        let lines = wrap("moves to /a/very/long/path/that/does/not/fit and stays whole", 20);
        assert_eq!(lines, ["moves to", "/a/very/long/path/that/does/not/fit", "and stays whole"]);
        assert_eq!(wrap("/opt/trains/data/redis → redis_old", 26), ["/opt/trains/data/redis", "→ redis_old"]);
        assert_eq!(wrap("", 20), [""]);
    }

    #[test]
    fn what_follows_the_first_line_stands_below_its_text() {
        let mut page = Page::new(Paint::new(false));
        page.item(2, "- ", &"word ".repeat(20));
        let text = page.into_text();
        assert!(text.starts_with("  - word ") && text.lines().nth(1).unwrap().starts_with("    word"), "{text}");
    }
}
