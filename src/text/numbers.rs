//! Numbers for people: "1.2 GiB", "200,000 documents", "3 min 20 s".

use std::time::Duration;

/// Returns a whole number with thousands separated: `200,000`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Returns a number with its noun: `1 index`, `9 indices`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Returns a number of documents: `200,000 documents`.
pub fn documents(number: u64) -> String {
    plural(number, "document", "documents")
}

/// Returns a number of bytes in binary units, with one decimal below ten: `1.2 GiB`, `512 MiB`, `17 B`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    // In tenths of the unit, in whole numbers, so that rounding up at 1023.9 moves on to the next unit.
    let mut power = 1_u128 << 10;
    for unit in UNITS {
        let tenths = (u128::from(number) * 10 + power / 2) / power;
        if tenths < 100 {
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        let whole = (u128::from(number) + power / 2) / power;
        if whole < 1024 {
            return format!("{whole} {unit}");
        }
        power <<= 10;
    }
    format!("{number} B")
}

/// Returns a length of time in the two largest units that matter: `0.4 s`, `12 s`, `3 min 20 s`, `2 h 05 min`, `1 d 3 h`.
pub fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.subsec_millis() < 50 => "0 s".to_owned(),
        0..10 => {
            let tenths = (time.as_millis() + 50) / 100;
            format!("{}.{} s", tenths / 10, tenths % 10)
        }
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_separated() {
        let shown = [0, 7, 999, 1_000, 200_000, 1_234_567].map(count);
        assert_eq!(shown, ["0", "7", "999", "1,000", "200,000", "1,234,567"]);
        assert_eq!(documents(1), "1 document");
        assert_eq!(plural(0, "index", "indices"), "0 indices");
    }

    #[test]
    fn bytes_have_two_or_three_digits_that_matter() {
        let table = [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (1_288_490_189, "1.2 GiB"),
            (10 << 20, "10 MiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (u64::MAX, "16 EiB"),
        ];
        for (number, shown) in table {
            assert_eq!(bytes(number), shown, "{number}");
        }
    }

    #[test]
    fn durations_show_two_units() {
        let table = [
            (0, "0 s"),
            (40, "0 s"),
            (420, "0.4 s"),
            (9_990, "10.0 s"),
            (12_600, "12 s"),
            (200_000, "3 min 20 s"),
            (7_500_000, "2 h 05 min"),
            (97_200_000, "1 d 3 h"),
        ];
        for (millis, shown) in table {
            assert_eq!(duration(Duration::from_millis(millis)), shown, "{millis}");
        }
    }
}
