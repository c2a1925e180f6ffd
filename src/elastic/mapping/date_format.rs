//! Formats of dates as Elasticsearch 5 writes them (Joda-Time) in the letters of Elasticsearch 7 (java.time).
//!
//! Source: "Joda-Time to java.time migration" in the reference manual of Elasticsearch 7.17, the Javadoc of
//! `DateTimeFormat` (Joda-Time 2.9) and of `DateTimeFormatter` (Java 17); tried on 5.6.16 and 7.6.2.

/// Letters that mean the same in both.
const SAME: [char; 11] = ['d', 'D', 'M', 'E', 'a', 'h', 'H', 'k', 'K', 'm', 's'];
/// Those of Joda besides: a word of nothing but letters is a pattern.
const OTHERS: &str = "yYxweSzZCG";
/// What stands for itself in Joda and not in Java.
const RESERVED: [&str; 5] = ["[", "]", "{", "}", "#"];
/// Java keeps so many digits of a fraction of a second.
const MOST_DIGITS: usize = 9;

/// Returns the same formats for Elasticsearch 7 and 8; nothing if one has a letter of which nothing there means the same.
pub(super) fn modern(formats: &str) -> Option<String> {
    let mut modern: Vec<String> = Vec::new();
    for format in formats.split("||") {
        for one in alternatives(format)? {
            if !modern.contains(&one) {
                modern.push(one);
            }
        }
    }
    Some(modern.join("||"))
}

/// Joda reads an offset with and without a colon, whichever is written. Java does not, so that there are two formats then.
fn alternatives(format: &str) -> Option<Vec<String>> {
    if is_name(format) {
        return Some(vec![snake_case(format)]);
    }
    let parts = parts(format);
    let offset = parts.iter().find_map(|part| match part {
        Part::Letters('Z', 1) => Some(["XX", "XXX"]),
        Part::Letters('Z', 2) => Some(["XXX", "XX"]),
        _ => None,
    });
    match offset {
        None => Some(vec![translate(&parts, "")?]),
        Some(offsets) => offsets.into_iter().map(|offset| translate(&parts, offset)).collect(),
    }
}

/// Formats with names of their own, such as `strict_date_optional_time` and `epoch_millis`: they have letters that mean
/// nothing in a pattern. Those of 5.6 are all there in 7.
fn is_name(format: &str) -> bool {
    format.len() > 3 && format.chars().all(|c| c.is_ascii_alphabetic() || c == '_') && {
        let is_letter = |c: char| SAME.contains(&c) || OTHERS.contains(c);
        !format.chars().all(is_letter)
    }
}

/// Elasticsearch 8 knows names in lower case only.
fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    /// A letter, so many times.
    Letters(char, usize),
    /// What stands for itself, quotes included.
    Text(&'a str),
}

fn parts(format: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = format;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' => rest.get(1..).and_then(|text| text.find('\'')).map_or(rest.len(), |end| end + 2),
            letter if letter.is_ascii_alphabetic() => {
                let length = rest.len() - rest.trim_start_matches(letter).len();
                parts.push(Part::Letters(letter, length));
                length
            }
            other => other.len_utf8(),
        };
        let (part, behind) = rest.split_at(length);
        if !first.is_ascii_alphabetic() {
            parts.push(Part::Text(part));
        }
        rest = behind;
    }
    parts
}

fn translate(parts: &[Part<'_>], offset: &str) -> Option<String> {
    let mut java = String::new();
    for part in parts {
        match *part {
            Part::Text(text) if RESERVED.contains(&text) => java.push_str(&format!("'{text}'")),
            Part::Text(text) => java.push_str(text),
            // The year, which in Java's `y` begins anew with each era. Of two digits they make different centuries.
            Part::Letters('y' | 'Y', times) if times != 2 => push(&mut java, 'u', times),
            Part::Letters('S', times) => push(&mut java, 'S', times.min(MOST_DIGITS)),
            Part::Letters('Z', 1 | 2) => java.push_str(offset),
            Part::Letters('Z', _) => java.push_str("VV"),
            Part::Letters(letter, times) if SAME.contains(&letter) => push(&mut java, letter, times),
            // Centuries, eras, weeks (which begin elsewhere), names of zones.
            Part::Letters(..) => return None,
        }
    }
    Some(java)
}

fn push(text: &mut String, letter: char, times: usize) {
    text.extend(std::iter::repeat_n(letter, times));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_get_the_letters_of_java() {
        for (joda, java) in [
            ("yyyy-MM-dd HH:mm:ss", "uuuu-MM-dd HH:mm:ss"),
            ("YYYY-MM-dd'T'HH:mm:ss.SSS", "uuuu-MM-dd'T'HH:mm:ss.SSS"),
            ("yyyy-MM-dd'T'HH:mm:ss.SSSZZ", "uuuu-MM-dd'T'HH:mm:ss.SSSXXX||uuuu-MM-dd'T'HH:mm:ss.SSSXX"),
            ("yyyy/MM/dd HH:mm:ss Z", "uuuu/MM/dd HH:mm:ss XX||uuuu/MM/dd HH:mm:ss XXX"),
            ("yyyy-MM-dd HH:mm ZZZ", "uuuu-MM-dd HH:mm VV"),
            ("dd 'o''clock yyyy' y [S]", "dd 'o''clock yyyy' u '['S']'"),
            ("yyyyMMdd", "uuuuMMdd"),
        ] {
            assert_eq!(modern(joda).as_deref(), Some(java), "{joda}");
        }
    }

    #[test]
    fn names_stay_and_several_formats_stay_several() {
        let formats = "yyyy/MM/dd||strictDateOptionalTime||epoch_millis||basic_date";
        assert_eq!(modern(formats).as_deref(), Some("uuuu/MM/dd||strict_date_optional_time||epoch_millis||basic_date"));
    }

    #[test]
    fn what_java_has_no_letter_for_is_not_guessed() {
        for joda in ["CC", "yy/MM/dd", "xxxx-'W'ww-e", "yyyy-MM-dd z", "epoch_millis||GG yyyy"] {
            assert_eq!(modern(joda), None, "{joda}");
        }
    }
}
