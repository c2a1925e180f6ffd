use super::*;
use proptest::prelude::*;
use serde_json::json;
use std::fs;

fn records() -> Vec<Record> {
    vec![
        Record::Started { step: "stop_stack".into() },
        Record::Note {
            step: "stop_stack".into(),
            key: "ünïcode\nkey".into(),
            value: json!({"a": [1, 2.5, null]}).into(),
        },
        Record::Finished { step: "stop_stack".into(), output: json!("done") },
        Record::Committed,
        Record::Cancelled,
    ]
}

fn text(records: &[Record]) -> Vec<u8> {
    let lines = records.iter().zip(1..).map(|(record, number)| line(number, record, Timestamp::UNIX_EPOCH).unwrap());
    lines.collect::<String>().into_bytes()
}

fn parse(mut bytes: &[u8]) -> Result<Contents> {
    super::parse(&mut bytes, Path::new("journal"))
}

#[test]
fn the_format_of_a_line_is_fixed() {
    let line = line(7, &Record::Committed, Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(line, "v1 7 bd6e1d3a {\"at\":\"1970-01-01T00:00:00Z\",\"record\":{\"kind\":\"committed\"}}\n");
}

proptest! {
    // Each case flushes a real file.
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_journal_cut_anywhere_holds_its_first_records_and_goes_on(cut in 0_usize..700) {
        let whole = text(&records());
        let cut = cut.min(whole.len());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        fs::write(&path, &whole[..cut]).unwrap();
        let (mut log, entries) = Log::open(&path).unwrap();
        let kept: Vec<_> = entries.into_iter().map(|entry| entry.record).collect();
        prop_assert_eq!(&kept[..], &records()[..kept.len()]);
        let complete = whole[..cut].iter().filter(|&&byte| byte == b'\n').count();
        prop_assert_eq!(kept.len(), complete);
        log.append(&Record::RolledBack, Timestamp::UNIX_EPOCH).unwrap();
        let again = read(&path).unwrap();
        prop_assert_eq!(again.entries.len(), complete + 1);
        prop_assert_eq!(&again.entries[complete].record, &Record::RolledBack);
    }
}

proptest! {
    #[test]
    fn a_flipped_byte_never_gives_other_records(place in 0_usize..700, bit in 0_u8..8) {
        let mut bytes = text(&records());
        let place = place % bytes.len();
        bytes[place] ^= 1 << bit;
        if let Ok(contents) = parse(&bytes) {
            for (entry, record) in contents.entries.iter().zip(records()) {
                prop_assert_eq!(&entry.record, &record);
            }
        }
    }

    #[test]
    fn garbage_is_no_reason_to_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&bytes);
    }
}

#[test]
fn damage_in_the_middle_is_named_by_file_and_line() {
    let mut bytes = text(&records());
    let second = bytes.iter().position(|&byte| byte == b'\n').unwrap() + 30;
    bytes[second] ^= 1;
    let error = parse(&bytes).unwrap_err();
    assert!(error.message().starts_with("Line 2 of the journal journal is damaged"), "{error}");
}

#[test]
fn zeros_that_a_power_cut_left_at_the_end_are_cut_off() {
    let mut bytes = text(&records());
    let valid = bytes.len();
    bytes.extend([0; 4096]);
    let contents = parse(&bytes).unwrap();
    assert_eq!((contents.entries.len(), contents.valid_length), (5, valid as u64));
}

#[test]
fn a_newer_journal_is_refused_and_not_cut_even_at_its_end() {
    let mut bytes = text(&records());
    bytes.extend(b"v2 6 00000000 {}\n");
    assert!(parse(&bytes).unwrap_err().hints()[0].contains("newest version"));
    let mut bytes = text(&records());
    let json = "{\"at\":\"1970-01-01T00:00:00Z\",\"record\":{\"kind\":\"teleported\"}}";
    let crc = crc32fast::hash(format!("6 {json}").as_bytes());
    bytes.extend(format!("v1 6 {crc:08x} {json}\n").as_bytes());
    assert!(parse(&bytes).unwrap_err().message().contains("teleported"));
}

#[test]
fn lines_out_of_order_are_damage() {
    let lines: Vec<_> = records().iter().map(|record| line(1, record, Timestamp::UNIX_EPOCH).unwrap()).collect();
    assert!(parse(lines.concat().as_bytes()).is_err());
}
