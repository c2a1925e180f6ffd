//! Which dates a field of Elasticsearch 7 and 8 takes.
//!
//! Source: `DateFormatters` and `EpochTime` of 7.6 to 8.17, `DateTimeFormatter` of Java; each rule was tried on 7.6.2,
//! 7.17.29 and 8.17.0.

use super::super::node::Version;

/// The format of a field that names none.
const USUAL: &str = "strict_date_optional_time||epoch_millis";

/// What a field takes: any of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dates {
    formats: Vec<Format>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Format {
    /// `strict_date_optional_time`.
    OptionalTime { long_years: bool, seconds_of_offset: bool },
    /// `epoch_millis` (6 digits behind the point) and `epoch_second` (9), as whole numbers of so many digits.
    Epoch { fraction: usize, below: Below, end: i64 },
    /// A pattern that has numbers only.
    Pattern(Vec<Item>),
    /// Another one, which is not judged here.
    Unknown,
}

/// Numbers below zero that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Below {
    None,
    /// Without those that begin with `-0`.
    WholeOnes,
    All,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Year,
    /// A part with so many digits at least and at most.
    Digits(Part, usize, usize),
    /// So many digits of a fraction of a second.
    Fraction(usize),
    /// An offset, with a colon or without.
    Offset(bool),
    Text(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Month,
    Day,
    Hour,
    Minute,
    Second,
}

/// What a field makes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Taken,
    Refused,
    /// One of the formats is none of those that are judged here.
    Unknown,
}

impl Dates {
    /// Returns what a field with this format takes in a node of this version.
    pub fn new(format: Option<&str>, version: &Version) -> Self {
        Self { formats: format.unwrap_or(USUAL).split("||").map(|one| Format::new(one, version)).collect() }
    }

    /// Judges a text, or the text of a number.
    pub fn judge(&self, text: &str) -> Verdict {
        // Nearly all are numbers of milliseconds.
        if self.formats.iter().any(|format| format.takes(text)) {
            return Verdict::Taken;
        }
        match self.formats.contains(&Format::Unknown) {
            true => Verdict::Unknown,
            false => Verdict::Refused,
        }
    }
}

impl Format {
    fn new(format: &str, version: &Version) -> Self {
        match format {
            "strict_date_optional_time" | "strictDateOptionalTime" => Self::OptionalTime {
                long_years: !version.is_at_least((7, 7)),
                seconds_of_offset: version.is_at_least((8, 0)),
            },
            "epoch_millis" => {
                let below = if version.is_at_least((8, 2)) { Below::All } else { Below::None };
                Self::Epoch { fraction: 6, below, end: i64::MAX }
            }
            "epoch_second" => {
                let below = if version.is_at_least((8, 2)) { Below::All } else { Below::WholeOnes };
                Self::Epoch { fraction: 9, below, end: i64::MAX / 1000 }
            }
            pattern => items(pattern).map_or(Self::Unknown, Self::Pattern),
        }
    }

    fn takes(&self, text: &str) -> bool {
        match self {
            Self::OptionalTime { long_years, seconds_of_offset } => {
                optional_time(text, *long_years, *seconds_of_offset).is_some()
            }
            Self::Epoch { fraction, below, end } => epoch(text, *fraction, *below, *end),
            Self::Pattern(items) => pattern(items, text).is_some(),
            Self::Unknown => false,
        }
    }
}

fn epoch(text: &str, digits: usize, below: Below, end: i64) -> bool {
    let positive = text.strip_prefix('-').filter(|_| below != Below::None);
    let first = i64::from(positive.is_some() && below == Below::WholeOnes);
    let text = positive.unwrap_or(text);
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let whole = Some(whole).filter(|whole| are_digits(whole) && whole.len() <= 19).and_then(|whole| whole.parse().ok());
    whole.is_some_and(|whole: i64| (first..=end).contains(&whole)) && fraction.len() <= digits && are_digits(fraction)
}

/// `yyyy[-MM[-dd]][T[HH[:mm[:ss[.SSSSSSSSS]]][zone][zone]]]`
fn optional_time(text: &str, long_years: bool, seconds_of_offset: bool) -> Option<()> {
    let mut rest = Rest(text);
    let year = rest.year(long_years)?;
    let (mut month, mut day) = (1, 1);
    if rest.take("-") {
        month = rest.number(2, 2)?;
        if rest.take("-") {
            day = rest.number(2, 2)?;
        }
    }
    exists(year, month, day)?;
    if rest.take("T") && !rest.0.is_empty() {
        rest.within(2, 2, 24)?;
        if rest.take(":") {
            rest.within(2, 2, 60)?;
            if rest.take(":") {
                rest.within(2, 2, 60)?;
                if rest.take(".") || rest.take(",") {
                    rest.number(1, 9)?;
                }
            }
        }
        rest.zone(seconds_of_offset);
        if !rest.take("Z") {
            // A second offset, which nobody writes, without a colon.
            rest.offset(false);
        }
    }
    rest.0.is_empty().then_some(())
}

fn pattern(items: &[Item], text: &str) -> Option<()> {
    let mut rest = Rest(text);
    let (mut year, mut month, mut day) = (1970, 1, 1);
    for item in items {
        match item {
            Item::Year => year = rest.year(true)?,
            Item::Digits(Part::Month, least, most) => month = rest.number(*least, *most)?,
            Item::Digits(Part::Day, least, most) => day = rest.number(*least, *most)?,
            Item::Digits(Part::Hour, least, most) => rest.within(*least, *most, 24)?,
            Item::Digits(Part::Minute | Part::Second, least, most) => rest.within(*least, *most, 60)?,
            Item::Fraction(digits) => {
                rest.number(*digits, *digits)?;
            }
            Item::Offset(colon) => {
                if !rest.take("Z") && !rest.offset(*colon) {
                    return None;
                }
            }
            Item::Text(text) => {
                if !rest.take(text) {
                    return None;
                }
            }
        }
    }
    exists(year, month, day)?;
    rest.0.is_empty().then_some(())
}

fn items(pattern: &str) -> Option<Vec<Item>> {
    let mut items = Vec::new();
    let mut rest = pattern;
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (text, behind) = rest.get(1..)?.split_once('\'')?;
            items.push(Item::Text(if text.is_empty() { "'" } else { text }.to_owned()));
            rest = behind;
            continue;
        }
        let behind = rest.trim_start_matches(first);
        let times = (rest.len() - behind.len()) / first.len_utf8();
        let digits = |part| (times <= 2).then_some(Item::Digits(part, times, if times == 1 { 19 } else { times }));
        items.push(match (first, times) {
            ('u', 4) => Item::Year,
            ('M', _) => digits(Part::Month)?,
            ('d', _) => digits(Part::Day)?,
            ('H', _) => digits(Part::Hour)?,
            ('m', _) => digits(Part::Minute)?,
            ('s', _) => digits(Part::Second)?,
            ('S', 1..=9) => Item::Fraction(times),
            ('X', 2) => Item::Offset(false),
            ('X', 3) => Item::Offset(true),
            (letter, _) if letter.is_ascii_alphabetic() || "[]{}#".contains(letter) => return None,
            (text, _) => Item::Text(std::iter::repeat_n(text, times).collect()),
        });
        rest = behind;
    }
    // Numbers without an end of their own before others are read in another way.
    let open = |item: &Item| matches!(item, Item::Digits(_, 1, _));
    let number = |item: &Item| matches!(item, Item::Digits(..) | Item::Year | Item::Fraction(_));
    let unclear = items.windows(2).any(|two| matches!(two, [one, other] if open(one) && number(other)));
    (!unclear && !items.is_empty()).then_some(items)
}

/// Whether there is such a day (Gregorian, for ever).
fn exists(year: i64, month: u64, day: u64) -> Option<()> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=days).contains(&day).then_some(())
}

/// What is left of a text.
struct Rest<'a>(&'a str);

impl Rest<'_> {
    fn take(&mut self, text: &str) -> bool {
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn digits(&self) -> usize {
        self.0.bytes().take_while(u8::is_ascii_digit).count()
    }

    /// Takes as many digits as there are, so many at least and at most.
    fn number(&mut self, least: usize, most: usize) -> Option<u64> {
        let count = self.digits().min(most);
        let (digits, rest) = self.0.split_at_checked(count).filter(|_| count >= least)?;
        self.0 = rest;
        digits.parse().ok()
    }

    fn within(&mut self, least: usize, most: usize, end: u64) -> Option<()> {
        self.number(least, most).filter(|number| *number < end).map(|_| ())
    }

    /// Four digits, perhaps below zero; with a sign more, as far as milliseconds can tell.
    fn year(&mut self, long: bool) -> Option<i64> {
        let (plus, minus) = (self.take("+"), self.take("-"));
        let year = match (plus, minus) {
            (true, _) => self.number(5, 9).filter(|_| long)?,
            (false, true) if long => self.number(4, 9)?,
            _ => self.number(4, 4)?,
        };
        let year = i64::try_from(year).ok().filter(|year| *year < 292_275_000)?;
        Some(if minus { -year } else { year })
    }

    /// Takes a zone, if there is one: an offset, or one of the names that everybody writes. Others are not known here.
    fn zone(&mut self, with_seconds: bool) {
        for name in ["UTC", "GMT", "UT"] {
            if self.take(name) {
                self.any_offset(with_seconds);
                return;
            }
        }
        if !self.take("Z") {
            self.any_offset(with_seconds);
        }
    }

    fn any_offset(&mut self, with_seconds: bool) {
        let before = self.0;
        if self.offset(true) {
            let behind = self.0;
            if !(self.take(":") && self.within(2, 2, 60).is_some()) {
                self.0 = behind;
            }
        } else if self.offset(false) {
            let behind = self.0;
            if !(with_seconds && self.within(2, 2, 60).is_some()) {
                self.0 = behind;
            }
        } else if !self.hours() {
            self.0 = before;
        }
    }

    /// Takes `+01:00` or `+0100`, if that is there.
    fn offset(&mut self, colon: bool) -> bool {
        let before = self.0;
        let taken = (|| {
            let sign = self.take("+") || self.take("-");
            let hours = self.number(2, 2).filter(|_| sign)?;
            if colon && !self.take(":") {
                return None;
            }
            let minutes = self.number(2, 2)?;
            (hours < 18 && minutes < 60 || (hours, minutes) == (18, 0)).then_some(())
        })();
        if taken.is_none() {
            self.0 = before;
        }
        taken.is_some()
    }

    fn hours(&mut self) -> bool {
        let before = self.0;
        let sign = self.take("+") || self.take("-");
        let taken = sign && self.digits() == 2 && self.number(2, 2).is_some_and(|hours| hours <= 18);
        if !taken {
            self.0 = before;
        }
        taken
    }
}

#[cfg(test)]
mod tests;
