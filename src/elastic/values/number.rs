//! Which numbers a field of Elasticsearch 7 and 8 takes.
//!
//! Source: `NumberFieldMapper.NumberType` and `AbstractXContentParser` of 7.6 to 8.17, `Double.parseDouble`,
//! `BigDecimal(String)` of Java; each rule was tried on 7.6.2, 7.17.29 and 8.17.0, which agree but for one number.

/// A type of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole numbers from `-2^(bits-1)` on, of at most 32 bits.
    Whole(u32),
    Long,
    HalfFloat,
    Float,
    Double,
}

/// What a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Numbers {
    pub kind: Kind,
    /// Strings are read, and fractions cut off.
    pub coerce: bool,
    /// A number is read as a `double` first, and a `float` made of that (7.6).
    pub by_double: bool,
}

/// Half of the distance to the next number would be reached from here on, which is infinite.
const HALF_FLOAT_END: f32 = 65_520.0;
const LONG_END: f64 = 9_223_372_036_854_775_808.0;

impl Numbers {
    /// Returns whether it takes a number as it stands in JSON.
    pub fn take_token(self, token: &str) -> bool {
        let plain = token.len() <= 18 && !token.contains(['e', 'E']);
        let whole = !token.contains(['.', 'e', 'E']);
        match self.kind {
            Kind::Float | Kind::Double if plain => true,
            Kind::Long if plain && (whole || self.coerce) => true,
            Kind::Float if self.by_double => token.parse::<f64>().is_ok_and(|value| (value as f32).is_finite()),
            Kind::Float => token.parse::<f32>().is_ok_and(f32::is_finite),
            Kind::Double => token.parse::<f64>().is_ok_and(f64::is_finite),
            Kind::HalfFloat => token.parse::<f32>().is_ok_and(|value| value.abs() < HALF_FLOAT_END),
            Kind::Long if whole => token.parse::<i64>().is_ok(),
            Kind::Long => token.parse::<f64>().is_ok_and(|value| value.abs() <= LONG_END && self.may_cut(value)),
            Kind::Whole(bits) => token.parse::<f64>().is_ok_and(|value| self.may_cut(value) && fits(value, bits)),
        }
    }

    /// Returns whether it takes a number in a string.
    pub fn take_text(self, text: &str) -> bool {
        if !self.coerce {
            return false;
        }
        if text.is_empty() {
            return true;
        }
        match self.kind {
            Kind::Float => java_float(text).is_some_and(|read| read.float.is_finite()),
            Kind::Double => java_float(text).is_some_and(|read| read.double.is_finite()),
            Kind::HalfFloat => java_float(text).is_some_and(|read| read.float.abs() < HALF_FLOAT_END),
            Kind::Long => long(text),
            Kind::Whole(bits) => java_float(text).is_some_and(|read| read.double.is_nan() || fits(read.double, bits)),
        }
    }

    fn may_cut(self, value: f64) -> bool {
        self.coerce || value.fract() == 0.0
    }
}

/// Whether a number is one of 32 bits, and without its fraction one of so many.
fn fits(value: f64, bits: u32) -> bool {
    let end = f64::from(1_u32 << (bits - 1));
    let is_int = (f64::from(i32::MIN)..=f64::from(i32::MAX)).contains(&value);
    is_int && (-end..end).contains(&value.trunc())
}

/// A number as Java reads it.
struct Read {
    double: f64,
    float: f32,
}

/// Reads what `Double.parseDouble` and `Float.parseFloat` do.
fn java_float(text: &str) -> Option<Read> {
    let text = text.trim_matches(|c: char| c <= ' ');
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let of = |double: f64| Some(Read { double, float: double as f32 });
    match unsigned {
        "NaN" => return of(f64::NAN),
        "Infinity" => return of(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        _ => {}
    }
    if unsigned.starts_with("0x") || unsigned.starts_with("0X") {
        let double = hexadecimal(unsigned.get(2..)?)?;
        return of(if text.starts_with('-') { -double } else { double });
    }
    let number = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    decimal(number.strip_prefix(['+', '-']).unwrap_or(number))?;
    Some(Read { double: number.parse().ok()?, float: number.parse().ok()? })
}

/// Reads `<digits>[.<digits>]p<exponent>`.
fn hexadecimal(text: &str) -> Option<f64> {
    let text = text.strip_suffix(['f', 'F', 'd', 'D']).unwrap_or(text);
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 {
        return None;
    }
    let mut value = 0.0_f64;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    let exponent: i32 = exponent.parse().ok()?;
    Some(value * 2.0_f64.powi(exponent.checked_sub(shift)?))
}

/// The parts of a decimal number without a sign.
struct Decimal<'a> {
    whole: &'a str,
    fraction: &'a str,
    exponent: &'a str,
}

fn decimal(text: &str) -> Option<Decimal<'_>> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        None => (text, ""),
        Some((mantissa, exponent)) => {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            (mantissa, Some(exponent).filter(|_| are_digits(digits) && !digits.is_empty())?)
        }
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let some = !whole.is_empty() || !fraction.is_empty();
    (some && are_digits(whole) && are_digits(fraction)).then_some(Decimal { whole, fraction, exponent })
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text is a number whose whole part has 64 bits, as `BigDecimal` reads it.
fn long(text: &str) -> bool {
    if text.parse::<i64>().is_ok() {
        return true;
    }
    let negative = text.starts_with('-');
    let Some(Decimal { whole, fraction, exponent }) = decimal(text.strip_prefix(['+', '-']).unwrap_or(text)) else {
        return false;
    };
    let exponent = match exponent {
        "" => 0,
        text => match text.parse::<i32>() {
            Ok(exponent) => i64::from(exponent),
            Err(_) => return false,
        },
    };
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_start_matches('0');
    let point = i64::try_from(whole.len()).unwrap_or(i64::MAX).saturating_add(exponent);
    // Digits before the point, of those that count.
    let before = point.saturating_sub(i64::try_from(digits.len() - significant.len()).unwrap_or(i64::MAX));
    match usize::try_from(before) {
        _ if significant.is_empty() => true,
        Err(_) | Ok(0..=18) => true,
        Ok(19) => {
            let whole: String = significant.chars().chain(std::iter::repeat('0')).take(19).collect();
            let limit = if negative { "9223372036854775808" } else { "9223372036854775807" };
            whole.as_str() <= limit
        }
        Ok(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(kind: Kind) -> Numbers {
        Numbers { kind, coerce: true, by_double: true }
    }

    #[test]
    fn numbers_that_have_no_float_are_not_taken() {
        let float = numbers(Kind::Float);
        for token in ["1e39", "-1e39", "3.4028236e38", "1e300", "1e400", "1.7976931348623159e308"] {
            assert!(!float.take_token(token) && !float.take_text(token), "{token}");
        }
        for token in ["3.4028235e38", "3.40282356e38", "-0", "1e-400", "9223372036854775808", "0.1234567890123456789"] {
            assert!(float.take_token(token) && float.take_text(token), "{token}");
        }
        for text in
            ["NaN", "Infinity", "-Infinity", "abc", "n/a", "1,5", "true", "1e", "0x1", "1_0", "--1", ".", "inf", "nan"]
        {
            assert!(!float.take_text(text), "{text}");
        }
        for text in ["", " 1 ", "1\0", "1f", "1.5D", "0x1p3", ".5", "5.", "+1", "0009"] {
            assert!(float.take_text(text), "{text:?}");
        }
        // Half way to the next number that there is not.
        assert!(!float.take_token("3.4028235677973365e38"));
        assert!(Numbers { by_double: false, ..float }.take_token("3.4028235677973365e38"));
    }

    #[test]
    fn doubles_and_half_floats_have_their_own_ends() {
        let (double, half) = (numbers(Kind::Double), numbers(Kind::HalfFloat));
        for (token, is_double, is_half) in [
            ("1e39", true, false),
            ("1e400", false, false),
            ("65519.99", true, true),
            ("65520", true, false),
            ("-65520", true, false),
        ] {
            assert_eq!((double.take_token(token), half.take_token(token)), (is_double, is_half), "{token}");
            assert_eq!((double.take_text(token), half.take_text(token)), (is_double, is_half), "{token}");
        }
    }

    #[test]
    fn whole_numbers_are_cut_off_and_have_bounds() {
        for (kind, token, token_taken, text_taken) in [
            (Kind::Long, "9223372036854775807", true, true),
            (Kind::Long, "9223372036854775808", false, false),
            (Kind::Long, "9223372036854775807.5", true, true),
            (Kind::Long, "-9223372036854775809", false, false),
            (Kind::Long, "1e18", true, true),
            (Kind::Long, "9.2233720368547758e18", true, true),
            (Kind::Long, "9.3e18", false, false),
            (Kind::Long, "1e1000000", false, false),
            (Kind::Long, "1.9", true, true),
            (Kind::Whole(32), "2147483647", true, true),
            (Kind::Whole(32), "2147483647.5", false, false),
            (Kind::Whole(32), "-2147483648", true, true),
            (Kind::Whole(16), "32767.5", true, true),
            (Kind::Whole(16), "32768", false, false),
            (Kind::Whole(8), "127.9", true, true),
            (Kind::Whole(8), "-128.5", true, true),
            (Kind::Whole(8), "128.0", false, false),
        ] {
            let numbers = numbers(kind);
            assert_eq!(
                (numbers.take_token(token), numbers.take_text(token)),
                (token_taken, text_taken),
                "{kind:?} {token}"
            );
        }
        for (text, is_long, is_int) in [
            (" 1 ", false, true),
            ("1f", false, true),
            ("NaN", false, true),
            ("5.", true, true),
            ("1e-400", true, true),
            ("", true, true),
        ] {
            let taken = (numbers(Kind::Long).take_text(text), numbers(Kind::Whole(32)).take_text(text));
            assert_eq!(taken, (is_long, is_int), "{text:?}");
        }
    }

    #[test]
    fn what_is_not_coerced_is_a_number_without_a_fraction() {
        let strict = Numbers { coerce: false, ..numbers(Kind::Long) };
        assert!(strict.take_token("5") && strict.take_token("5.0") && strict.take_token("1e18"));
        assert!(!strict.take_token("5.5") && !strict.take_text("5") && !strict.take_text(""));
    }

    proptest! {
        #[test]
        fn a_long_is_what_big_numbers_say(whole in "[0-9]{1,24}", fraction in "[0-9]{0,3}", negative: bool, exponent in -25_i32..25) {
            let sign = if negative { "-" } else { "" };
            let text = format!("{sign}{whole}.{fraction}e{exponent}");
            // By hand: all digits, the point moved.
            let digits = format!("{whole}{fraction}");
            let point = whole.len() as i32 + exponent;
            let integer: String = match usize::try_from(point) {
                Err(_) => "0".to_owned(),
                Ok(point) => digits.chars().chain(std::iter::repeat('0')).take(point).collect(),
            };
            let integer = integer.trim_start_matches('0');
            let expected = integer.len() <= 38 && {
                let value: i128 = if integer.is_empty() { 0 } else { integer.parse().unwrap() };
                let value = if negative { -value } else { value };
                i64::try_from(value).is_ok()
            };
            prop_assert_eq!(numbers(Kind::Long).take_text(&text), expected, "{}", text);
        }
    }
}
