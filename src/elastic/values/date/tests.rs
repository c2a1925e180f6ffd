use super::*;

fn taken(format: Option<&str>, version: &str, text: &str) -> bool {
    Dates::new(format, &Version::parse(version).unwrap()).judge(text) == Verdict::Taken
}

#[test]
fn the_usual_format_takes_what_nodes_take() {
    let both = [
        "2020",
        "2020-06",
        "2020-06-16",
        "20200616",
        "2020-06-16T",
        "2020-06-16T10",
        "2020-06-16T10:00",
        "2020-06-16T10:00:00",
        "2020-06-16T10:00:00.1",
        "2020-06-16T10:00:00.123456789",
        "2020-06-16T10:00:00,123",
        "2020-06-16T10:00:00Z",
        "2020-06-16T10:00:00+02:00",
        "2020-06-16T10:00:00+0200",
        "2020-06-16T10:00:00+02",
        "2020-06-16T10:00:00+02:00:30",
        "2020-06-16T10:00:00-18:00",
        "2020-06-16T10Z",
        "2020-06-16T10+01:00",
        "2020-06-16T10:00:00UTC",
        "2020-06-16T10:00:00UTC+01:00",
        "2020-06-16T10:00:00ZZ",
        "-2020-01-01",
        "0000-01-01",
        "2020-02-29",
        "0",
        "12",
        "999999999",
        "1592308800000",
        "1592308800000.5",
        "1592308800000.123456",
        "1592308800000.",
        "00",
        "9223372036854775807",
        "2020-06-16T10:00:00.000+00:00Z",
    ];
    let neither = [
        "2020-6-16",
        "2020-06-31",
        "2021-02-29",
        "2020-13-01",
        "2020-00-01",
        "2020-01-00",
        "2020-06-16T10:0",
        "2020-06-16T10:00:00.",
        "2020-06-16T10:00:00.1234567890",
        "2020-06-16T10:00:00.123,4",
        "2020-06-16T10:00:00z",
        "2020-06-16T10:00:00+2",
        "2020-06-16T10:00:00+2:00",
        "2020-06-16T10:00:00+18:01",
        "2020-06-16T10:00:00+19:00",
        "2020-06-16T10:00:00+01:60",
        "2020-06-16TZ",
        "2020-06-16Z",
        "2020Z",
        "2020-06-16 10:00:00",
        "2020-06-16T24:00:00",
        "2020-06-16T23:59:60",
        "2020-W25-2",
        "2020-168",
        "2020-06-16T10.5",
        "2020-06-16T10:00.5",
        "+2020-01-01",
        "12020-01-01",
        "1592308800000.123456789",
        ".5",
        "+5",
        "1e3",
        "1.5923E12",
        " 2020",
        "2020 ",
        "",
        "null",
        "true",
        "2020/06/16",
        "9223372036854775808",
        "99999999999999999999",
        "2020-06-16T10:00:00.1+01:3",
        "2020-06-16T1000",
        "2020-06-16t10:00:00",
        "٢٠٢٠",
    ];
    for version in ["7.6.2", "7.17.29", "8.17.0"] {
        both.iter().for_each(|text| assert!(taken(None, version, text), "{version} {text}"));
        neither.iter().for_each(|text| assert!(!taken(None, version, text), "{version} {text}"));
    }
    for (text, versions) in [
        ("-1", [false, false, true]),
        ("-1.5", [false, false, true]),
        ("-0", [false, false, true]),
        ("2020-06-16T10:00:00+020030", [false, false, true]),
        ("+12020-01-01", [true, false, false]),
        ("-12020-01-01", [true, false, false]),
    ] {
        let found = ["7.6.2", "7.17.29", "8.17.0"].map(|version| taken(None, version, text));
        assert_eq!(found, versions, "{text}");
    }
}

#[test]
fn patterns_take_what_nodes_take() {
    let slashes = "uuuu/MM/dd HH:mm:ss||uuuu/MM/dd||epoch_millis";
    let offsets = "uuuu-MM-dd'T'HH:mm:ss.SSSXXX||uuuu-MM-dd'T'HH:mm:ss.SSSXX";
    for (format, text, expected) in [
        (slashes, "2020/06/01", true),
        (slashes, "2020/06/01 10:00:00", true),
        (slashes, "-2020/06/01", true),
        (slashes, "+12020/06/01", true),
        (slashes, "1592308800000", true),
        (slashes, "2020/6/1", false),
        (slashes, "2020/06/31", false),
        (slashes, "20/06/01", false),
        (slashes, "12020/06/01", false),
        (slashes, "2020/06/01 24:00:00", false),
        (slashes, "2020/06/01 10:00", false),
        (offsets, "2020-06-16T10:00:00.123Z", true),
        (offsets, "2020-06-16T10:00:00.123+02:00", true),
        (offsets, "2020-06-16T10:00:00.123+0200", true),
        (offsets, "2020-06-16T10:00:00.123+02", false),
        (offsets, "2020-06-16T10:00:00.123+19:00", false),
        (offsets, "2020-06-16T10:00:00.12Z", false),
        (offsets, "2020-06-16T10:00:00.1234Z", false),
        ("uuuuMMdd", "20200616", true),
        ("uuuuMMdd", "120200616", false),
        ("uuuuMMdd", "20200631", false),
        ("uuuu-M-d H:m:s", "2020-6-1 1:2:3", true),
        ("uuuu-M-d H:m:s", "2020-006-01 1:2:3", true),
        (slashes, "-12020/06/01", true),
        ("epoch_second", "-1", true),
        ("epoch_second", "-0", false),
        ("epoch_second", "1.123456789", true),
        ("epoch_second", "1.1234567890", false),
        ("epoch_second", "31556889864403199", false),
    ] {
        assert_eq!(taken(Some(format), "7.6.2", text), expected, "{format} {text}");
    }
}

#[test]
fn what_is_not_known_is_not_judged() {
    let version = Version::parse("7.6.2").unwrap();
    for format in ["basic_date", "uuuu-DDD", "dd MMM uuuu", "uuMMdd", "uuuuMd", "'open", ""] {
        assert_eq!(Dates::new(Some(format), &version).judge("x"), Verdict::Unknown, "{format}");
        assert_eq!(Dates::new(Some(&format!("{format}||epoch_millis")), &version).judge("5"), Verdict::Taken);
    }
}
