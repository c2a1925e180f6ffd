//! Passwords and keys in the user's files, which a plan on the screen (or in a log that is sent to somebody) must not
//! tell.

use std::collections::BTreeSet;

const HIDDEN: &str = "********";

/// Returns the text of a compose or env file with the values of passwords, secrets, tokens and keys hidden. What only
/// refers to a variable is shown.
pub(super) fn hide(text: &str) -> String {
    text.split_inclusive('\n').map(hide_line).collect()
}

/// Returns both texts of a file of variables, which is full of what is nobody's business: of lines that stay as they are
/// only the names are shown.
pub(super) fn hide_what_stays(old: &str, new: &str) -> (String, String) {
    let lines = |text: &str| text.split_inclusive('\n').map(str::to_owned).collect::<BTreeSet<String>>();
    let both: BTreeSet<String> = lines(old).intersection(&lines(new)).cloned().collect();
    let shown = |text: &str| -> String {
        let line = |line: &str| if both.contains(line) { name_alone(line) } else { hide_line(line) };
        text.split_inclusive('\n').map(line).collect()
    };
    (shown(old), shown(new))
}

/// Hides the value of a line; a line without a name is the rest of a value.
fn name_alone(line: &str) -> String {
    let text = line.trim();
    if text.is_empty() || text.starts_with('#') {
        return line.to_owned();
    }
    let end = if line.ends_with('\n') { "\n" } else { "" };
    match line.split_once('=') {
        Some((name, value)) if value.trim().is_empty() => format!("{name}={end}"),
        Some((name, _)) => format!("{name}={HIDDEN}{end}"),
        None => format!("{HIDDEN}{end}"),
    }
}

/// Hides the password in addresses such as `postgres://jane:secret@db/x`.
fn hide_in_addresses(line: &str) -> String {
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((before, behind)) = rest.split_once("://") {
        shown.push_str(before);
        shown.push_str("://");
        let authority = behind.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(behind.len());
        let (place, next) = behind.split_at(authority);
        match place.rsplit_once('@').and_then(|(who, host)| Some((who.split_once(':')?.0, host))) {
            Some((user, host)) => shown.push_str(&format!("{user}:{HIDDEN}@{host}")),
            None => shown.push_str(place),
        }
        rest = next;
    }
    shown.push_str(rest);
    shown
}

fn hide_line(line: &str) -> String {
    let hidden = line.find(['=', ':']).and_then(|at| {
        let (key, rest) = (line.get(..at)?, line.get(at + 1..)?);
        let value = rest.trim();
        let reference = value.trim_start_matches(['"', '\'']).starts_with('$');
        if !is_secret(key) || reference || value.trim_matches(['"', '\'']).is_empty() {
            return None;
        }
        let (before, after) = rest.split_once(value)?;
        Some(format!("{key}{}{before}{HIDDEN}{after}", line.get(at..=at)?))
    });
    hidden.unwrap_or_else(|| hide_in_addresses(line))
}

fn is_secret(key: &str) -> bool {
    let key = key.trim().trim_start_matches("- ").trim_matches(['"', '\'', ' ']).to_uppercase();
    !key.starts_with('#')
        && (["PASS", "SECRET", "TOKEN", "CREDENTIAL"].iter().any(|word| key.contains(word)) || key.ends_with("KEY"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secrets_are_hidden_and_nothing_else() {
        let table = [
            ("TRAINS_AGENT_GIT_PASS=\"not a real one\"\n", "TRAINS_AGENT_GIT_PASS=********\n"),
            ("      - TRAINS_API_SECRET_KEY=abc", "      - TRAINS_API_SECRET_KEY=********"),
            ("  CLEARML_API_ACCESS_KEY: 'abc'  ", "  CLEARML_API_ACCESS_KEY: ********  "),
            ("TRAINS_AGENT_GIT_USER=jane\n", "TRAINS_AGENT_GIT_USER=jane\n"),
            (
                "  AWS_SECRET_ACCESS_KEY: ${AWS_SECRET_ACCESS_KEY:-}\n",
                "  AWS_SECRET_ACCESS_KEY: ${AWS_SECRET_ACCESS_KEY:-}\n",
            ),
            ("PASSWORD=\n", "PASSWORD=\n"),
            ("  # pass: it on\n", "  # pass: it on\n"),
            ("    - '8008:8008'\n", "    - '8008:8008'\n"),
        ];
        for (line, shown) in table {
            assert_eq!(hide(line), shown);
        }
    }

    #[test]
    fn of_a_file_of_variables_only_what_changes_is_shown() {
        let old =
            "# mine\nDATABASE_URL=postgres://jane:pw@db/x\nPEM=\"-----BEGIN\nabc\n\"\nA=\nTRAINS_X=/opt/trains/x\n";
        let new = old.replace("/opt/trains/x", "/opt/clearml/x");
        let (old, new) = hide_what_stays(old, &new);
        let rest = "# mine\nDATABASE_URL=********\nPEM=********\n********\n********\nA=\n";
        assert_eq!(old, format!("{rest}TRAINS_X=/opt/trains/x\n"));
        assert_eq!(new, format!("{rest}TRAINS_X=/opt/clearml/x\n"));
    }

    #[test]
    fn the_password_in_an_address_is_hidden() {
        let shown = hide("  URL: 'http://jane:pw@proxy:3128/x?a=b' # http://host:80/\n");
        assert_eq!(shown, "  URL: 'http://jane:********@proxy:3128/x?a=b' # http://host:80/\n");
    }
}
