//! Sizes as docker writes them: `512m`, `4g`, `1.5GiB`, or a plain number of bytes. Binary units, upper or lower case.

/// Parses a size into bytes.
///
/// # Errors
/// Returns a sentence that says what is expected.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let expected = || "expected a size such as 512m, 4g or 1.5g".to_owned();
    let trimmed = text.trim();
    let digits = trimmed.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return Err(expected()),
    };
    let bytes = match number.split_once('.') {
        None => number.parse::<u64>().ok().and_then(|number| number.checked_mul(1 << shift)),
        Some((whole, fraction)) => with_fraction(whole, fraction, shift),
    };
    bytes.filter(|bytes| *bytes > 0).ok_or_else(expected)
}

/// Up to three decimals, so that it stays in whole numbers; the last byte is cut off.
fn with_fraction(whole: &str, fraction: &str, shift: u32) -> Option<u64> {
    if fraction.is_empty() || fraction.len() > 3 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    let scaled = u128::from(whole.parse::<u64>().ok()?) * scale + u128::from(fraction.parse::<u64>().ok()?);
    u64::try_from((scaled << shift) / scale).ok()
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_are_binary_in_any_spelling() {
        for (text, bytes) in [
            ("4294967296", 4 << 30),
            ("4g", 4 << 30),
            ("4G", 4 << 30),
            ("4 GiB", 4 << 30),
            ("4096mb", 4 << 30),
            ("1.5g", 3 << 29),
            ("512k", 512 << 10),
            ("0.5t", 1 << 39),
        ] {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "g", "0", "0g", "-1g", "4x", "1.g", "1.2345g", "1.2.3g", "99999999999t", "4gg", ".5g"] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}
