use super::*;
use crate::error::Kind;
use tar::{Builder, Header};

/// A stream as docker gives one of `/var/tmp/es`, owned by whoever runs the tests.
fn stream() -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    let mut put = |kind: EntryType, path: &str, link: &str, content: &[u8], mode: u32| {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(rustix::process::geteuid().as_raw().into());
        header.set_gid(rustix::process::getegid().as_raw().into());
        header.set_mtime(1_592_300_000);
        header.set_size(content.len() as u64);
        match link {
            "" => builder.append_data(&mut header, path, content).unwrap(),
            link => builder.append_link(&mut header, path, link).unwrap(),
        }
    };
    put(EntryType::Directory, "es/", "", b"", 0o2770);
    put(EntryType::Directory, "es/nodes/", "", b"", 0o500);
    put(EntryType::Regular, "es/nodes/a", "", &[7; 300_000], 0o640);
    put(EntryType::Link, "es/nodes/b", "es/nodes/a", b"", 0o640);
    put(EntryType::Symlink, "es/current", "nodes/a", b"", 0o777);
    put(EntryType::Fifo, "es/pipe", "", b"", 0o600);
    put(EntryType::Regular, "es/empty", "", b"", 0o600);
    builder.into_inner().unwrap()
}

fn with_reading<T>(work: impl FnOnce(&Reading<'_>) -> T) -> T {
    let (events, cancel) = (Events::silent(), CancellationToken::new());
    work(&Reading { what: "trains-elastic:/var/tmp/es", bytes: 300_000, events: &events, cancel: &cancel })
}

fn unpacked(dir: &Path, stream: &[u8]) -> Result<Unpacked> {
    with_reading(|reading| unpack(stream, &Owned::claim(&dir.join("rescued"))?, reading))
}

fn compared(dir: &Path, stream: &[u8]) -> Result<()> {
    with_reading(|reading| compare(stream, &dir.join("rescued"), reading))
}

#[test]
fn what_is_unpacked_is_what_was_in_the_container() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(unpacked(dir.path(), &stream()).unwrap(), Unpacked { files: 2, bytes: 300_000 });
    let root = dir.path().join("rescued");
    let meta = |name: &str| fs::symlink_metadata(root.join(name)).unwrap();
    assert_eq!((meta("").mode() & 0o7777, meta("nodes").mode() & 0o7777), (0o2770, 0o500));
    assert_eq!((meta("nodes/a").mode() & 0o7777, meta("nodes/a").mtime()), (0o640, 1_592_300_000));
    assert_eq!(meta("nodes/a").ino(), meta("nodes/b").ino());
    assert_eq!(fs::read_link(root.join("current")).unwrap(), Path::new("nodes/a"));
    assert!(!root.join("pipe").exists());
    compared(dir.path(), &stream()).unwrap();
}

#[test]
fn every_difference_is_found_and_named() {
    type Change = fn(&Path);
    let changes: [(&str, Change); 5] = [
        ("nodes/a", |root| {
            let mut bytes = fs::read(root.join("nodes/a")).unwrap();
            bytes[299_999] ^= 1;
            fs::write(root.join("nodes/a"), bytes).unwrap();
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_592_300_000);
            File::options().write(true).open(root.join("nodes/a")).unwrap().set_modified(time).unwrap();
        }),
        ("empty", |root| fs::remove_file(root.join("empty")).unwrap()),
        ("more", |root| fs::write(root.join("more"), "").unwrap()),
        ("nodes", |root| fs::set_permissions(root.join("nodes"), Permissions::from_mode(0o700)).unwrap()),
        ("nodes/b", |root| {
            fs::set_permissions(root.join("nodes"), Permissions::from_mode(0o700)).unwrap();
            fs::remove_file(root.join("nodes/b")).unwrap();
            fs::write(root.join("nodes/b"), [7; 300_000]).unwrap();
            let facts = Facts { uid: 0, gid: 0, mode: 0o500, time: 1_592_300_000 };
            fs::set_permissions(root.join("nodes"), Permissions::from_mode(facts.mode)).unwrap();
            set_time(&root.join("nodes"), facts).unwrap();
        }),
    ];
    for (name, change) in changes {
        let dir = tempfile::tempdir().unwrap();
        unpacked(dir.path(), &stream()).unwrap();
        let root = dir.path().join("rescued");
        change(&root);
        let time = Facts { uid: 0, gid: 0, mode: 0, time: 1_592_300_000 };
        set_time(&root, time).unwrap();
        let error = compared(dir.path(), &stream()).unwrap_err();
        assert!(error.message().contains(&root.join(name).display().to_string()), "{name}: {error}");
    }
}

#[test]
fn a_stream_that_breaks_off_anywhere_is_no_whole_one() {
    let whole = stream();
    for cut in [0, 512, 1024, 1536, 200_000, whole.len() - 1024, whole.len() - 600] {
        let dir = tempfile::tempdir().unwrap();
        let error = unpacked(dir.path(), &whole[..cut]).unwrap_err();
        assert!(error.message().contains("did not give all"), "{cut}: {error}");
    }
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    for path in ["../x", "es/../../x", "/es/x"] {
        assert_eq!(below(Path::new(path)), None, "{path}");
    }
    assert_eq!(below(Path::new("./es/x")).as_deref(), Some(Path::new("es/x")), "the first part is left out");
    let mut builder = Builder::new(Vec::new());
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Symlink);
    header.set_mode(0o777);
    header.set_size(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(1);
    builder.append_link(&mut header, "es", "/mnt/elsewhere").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let error = unpacked(dir.path(), &builder.into_inner().unwrap()).unwrap_err();
    assert_eq!(error.kind(), Kind::Refused);
    assert!(error.message().contains("is no directory"), "{error}");
}
