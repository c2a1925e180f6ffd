//! A unified diff of a rewritten file, for the plan.

use similar::TextDiff;
use std::path::Path;

/// Returns a unified diff with three lines of context and the two paths as its header; empty for equal texts.
pub fn unified(old_path: &Path, old: &str, new_path: &Path, new: &str) -> String {
    if old == new {
        return String::new();
    }
    TextDiff::from_lines(old, new)
        .unified_diff()
        .context_radius(3)
        .header(&old_path.display().to_string(), &new_path.display().to_string())
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diff_names_both_files_and_shows_the_lines_around() {
        let diff = unified(Path::new("/a/f.yml"), "1\n2\n3\n4\n5\n6\n", Path::new("/b/f.yml"), "1\n2\n3\n4\nfive\n6\n");
        assert_eq!(diff, "--- /a/f.yml\n+++ /b/f.yml\n@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+five\n 6\n");
    }

    #[test]
    fn equal_texts_have_no_diff() {
        assert_eq!(unified(Path::new("a"), "x\n", Path::new("b"), "x\n"), "");
    }
}
