//! Passwords and keys in the user's files, which a plan on the screen (or in a log that is sent to somebody) must not
//! tell.

const HIDDEN: &str = "********";

/// Returns the text of a compose or env file with the values of passwords, secrets, tokens and keys hidden. What only
/// refers to a variable is shown.
pub(super) fn hide(text: &str) -> String {
    text.split_inclusive('\n').map(hide_line).collect()
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
    hidden.unwrap_or_else(|| line.to_owned())
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
}
