//! Names of files, from names of databases and collections that may have any characters.

use sha2::{Digest, Sha256};

/// Longer names of files are cut, since something is put behind them, to so many characters and a mark: mongorestore knows
/// a name of just this length as one that was cut (mongo-tools `common/util/namespaces.go`).
const LONGEST: usize = 238;
const BEGINNING: usize = 208;

/// Returns the directory of a database in a dump: mongorestore takes its name as it is.
pub(super) fn directory_name(database: &str) -> String {
    let is_plain = !database.contains(['/', '\0']) && !matches!(database, "." | "..");
    if is_plain { database.to_owned() } else { file_name(database) }
}

/// Returns what a collection is called in a dump. What is no letter, digit or one of `-_.~$` becomes `%`
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
    match escaped.get(..BEGINNING) {
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
    fn a_database_keeps_its_name_unless_that_leads_elsewhere() {
        assert_eq!(["backend", "проект", "a/b"].map(directory_name), ["backend", "проект", "a%2Fb"]);
    }

    #[test]
    fn names_leave_their_directory_nowhere_and_stay_different() {
        assert_eq!(file_name("task__trash"), "task__trash");
        assert_eq!(file_name("a/../b c"), "a%2F..%2Fb%20c");
        assert_eq!(file_name("ä"), "%C3%A4");
        let [one, other] = ["x".repeat(250) + "1", "x".repeat(250) + "2"].map(|name| file_name(&name));
        assert!(one != other && one.len() == 238, "{one}");
    }
}
