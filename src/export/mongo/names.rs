//! Names of files, from names of databases and collections that may have any characters.

use sha2::{Digest, Sha256};

/// Longer names of files are cut: not every file system has them, and something is put behind them.
const LONGEST: usize = 200;

/// Returns what a database or collection is called in a dump. What is no letter, digit or one of `-_.~$` becomes `%`
/// and two hexadecimal digits for each byte, which mongorestore undoes.
pub(super) fn file_name(name: &str) -> String {
    let mut escaped = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'$' => {
                escaped.push(char::from(byte))
            }
            other => escaped.push_str(&format!("%{other:02X}")),
        }
    }
    match escaped.get(..LONGEST) {
        Some(beginning) if escaped.len() > LONGEST => {
            // The whole name is in the metadata. `%24` is the mark that mongodump puts there.
            let digest = super::super::hexadecimal(&Sha256::digest(name));
            format!("{beginning}%24{}", digest.get(..27).unwrap_or_default())
        }
        _ => escaped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_leave_their_directory_nowhere_and_stay_different() {
        assert_eq!(file_name("task__trash"), "task__trash");
        assert_eq!(file_name("a/../b c"), "a%2F..%2Fb%20c");
        assert_eq!(file_name("ä"), "%C3%A4");
        let [one, other] = ["x".repeat(250) + "1", "x".repeat(250) + "2"].map(|name| file_name(&name));
        assert!(one != other && one.len() == 230, "{one}");
    }
}
