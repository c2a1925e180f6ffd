//! Decimal numbers of 128 bits as text (IEEE 754-2008; the text is that of the BSON specification's `decimal128`).

use std::fmt::Write;

const BIAS: i32 = 6176;
/// Coefficients of more digits than 34 count as zero.
const LARGEST: u128 = 9_999_999_999_999_999_999_999_999_999_999_999;

/// Returns the text of a number, of which the least significant byte comes first.
pub fn text(bytes: [u8; 16]) -> String {
    let bits = u128::from_le_bytes(bytes);
    let sign = if bits >> 127 == 1 { "-" } else { "" };
    let combination = bits >> 122 & 0x1F;
    match combination {
        0x1F => return "NaN".to_owned(),
        0x1E => return format!("{sign}Infinity"),
        _ => {}
    }
    // A combination that begins with two ones has a coefficient that is too large for any number.
    let (exponent, coefficient) = match combination >> 3 {
        3 => (bits >> 111 & 0x3FFF, 0),
        _ => (bits >> 113 & 0x3FFF, bits & ((1 << 113) - 1)),
    };
    let coefficient = if coefficient > LARGEST { 0 } else { coefficient };
    let exponent = i32::try_from(exponent).unwrap_or(0) - BIAS;
    format!("{sign}{}", scaled(&coefficient.to_string(), exponent))
}

/// Returns digits with a decimal point or an exponent, whichever the specification has for them.
fn scaled(digits: &str, exponent: i32) -> String {
    let count = i32::try_from(digits.len()).unwrap_or(i32::MAX);
    let adjusted = exponent + count - 1;
    let mut text = String::new();
    if exponent > 0 || adjusted < -6 {
        let (first, rest) = digits.split_at_checked(1).unwrap_or((digits, ""));
        let point = if rest.is_empty() { "" } else { "." };
        // Writing to a string does not fail.
        let _ = write!(text, "{first}{point}{rest}E{adjusted:+}");
    } else if exponent == 0 {
        text.push_str(digits);
    } else {
        let places = usize::try_from(-exponent).unwrap_or(0);
        let padded = format!("{digits:0>width$}", width = places + 1);
        let (whole, fraction) = padded.split_at_checked(padded.len() - places).unwrap_or((&padded, ""));
        let _ = write!(text, "{whole}.{fraction}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(negative: bool, coefficient: u128, exponent: i32) -> String {
        let exponent = u128::try_from(exponent + BIAS).unwrap();
        text((u128::from(negative) << 127 | exponent << 113 | coefficient).to_le_bytes())
    }

    #[test]
    fn numbers_are_written_as_the_specification_has_them() {
        assert_eq!(number(false, 0, 0), "0");
        assert_eq!(number(true, 15, -1), "-1.5");
        assert_eq!(number(false, 12_345, -8), "0.00012345");
        assert_eq!(number(false, 1, -7), "1E-7");
        assert_eq!(number(false, 12, 3), "1.2E+4");
        assert_eq!(number(false, 5, -2), "0.05");
        assert_eq!(number(false, LARGEST, 0), "9999999999999999999999999999999999");
        assert_eq!(number(false, LARGEST + 1, 0), "0");
    }

    #[test]
    fn what_is_no_number_has_a_name() {
        assert_eq!(text((0x1F_u128 << 122).to_le_bytes()), "NaN");
        assert_eq!(text((0x3E_u128 << 122).to_le_bytes()), "-Infinity");
        assert_eq!(text((0x18_u128 << 122 | 6176 << 111 | 7).to_le_bytes()), "0", "a coefficient of another kind");
    }
}
