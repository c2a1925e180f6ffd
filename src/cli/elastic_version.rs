//! The versions of Elasticsearch that the command `elastic` can write with.

/// The oldest: what the first server with Elasticsearch 7 came with.
const OLDEST: (u32, u32, u32) = (7, 6, 2);
/// The last series of Elasticsearch 7.
const LAST_SERIES: (u32, u32) = (7, 17);

/// Parses a version of three numbers and returns it as it was written.
///
/// # Errors
/// Returns a sentence that says what is wrong with it and what is expected.
pub fn parse_elastic_version(text: &str) -> Result<String, String> {
    const KNOWN: &str = "it can be 7.6.2 to 7.17.x";
    let parts: Vec<&str> = text.split('.').collect();
    // As the image is tagged: `07.6.2` or `7.+6.2` would be no version of any.
    let number = |part: &str| part.parse::<u32>().ok().filter(|number| number.to_string() == part);
    let numbers: Option<Vec<u32>> = parts.iter().map(|part| number(part)).collect();
    match numbers.as_deref() {
        Some(&[major, minor, patch]) => match (major, minor, patch) {
            (8.., ..) => Err(format!("Elasticsearch {major} is not supported yet; {KNOWN}")),
            version if version < OLDEST => Err(format!("{text} is too old for the new server; {KNOWN}")),
            (major, minor, _) if (major, minor) > LAST_SERIES => Err(format!("there is no {text}; {KNOWN}")),
            _ => Ok(text.to_owned()),
        },
        Some(&[_, _] | &[_]) => Err(format!("three numbers are needed, such as 7.17.18; {KNOWN}")),
        _ => Err(format!("that is no version; {KNOWN}")),
    }
}

#[cfg(test)]
mod tests {
    use super::parse_elastic_version;

    #[test]
    fn every_seven_that_a_server_came_with_is_accepted() {
        for version in ["7.6.2", "7.16.2", "7.17.7", "7.17.18", "7.10.0"] {
            assert_eq!(parse_elastic_version(version).as_deref(), Ok(version));
        }
    }

    #[test]
    fn all_others_are_refused_with_the_reason() {
        for (version, reason) in [
            ("8.15.3", "Elasticsearch 8 is not supported yet"),
            ("7.6.1", "7.6.1 is too old"),
            ("5.6.16", "5.6.16 is too old"),
            ("7.18.0", "there is no 7.18.0"),
            ("7.17", "three numbers are needed, such as 7.17.18"),
            ("latest", "that is no version"),
            ("7.6.2-SNAPSHOT", "that is no version"),
            ("7.06.2", "that is no version"),
            ("", "that is no version"),
        ] {
            let said = parse_elastic_version(version).unwrap_err();
            assert!(said.starts_with(reason) && said.ends_with("it can be 7.6.2 to 7.17.x"), "{version}: {said}");
        }
    }
}
