//! The short form of a mount, `[SOURCE:]TARGET[:MODE]`, taken apart without changing a byte.
//!
//! Colons also stand in Windows drives (`c:/data:/data`) and in interpolations (`${ROOT:-/opt}/data:/data`).
//! Source of the grammar: compose specification, services, volumes, short syntax.

/// The parts of a short mount; put together with colons they are the text again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShortMount<'a> {
    /// Host path or volume key; `None` for an anonymous volume.
    pub source: Option<&'a str>,
    /// Path in the container.
    pub target: &'a str,
    /// Such as `ro` or `rw,z`.
    pub mode: Option<&'a str>,
}

impl<'a> ShortMount<'a> {
    /// Takes a short mount apart. Returns `None` when the text has more parts than the grammar.
    pub fn parse(text: &'a str) -> Option<Self> {
        let parts = split(text);
        match *parts.as_slice() {
            [target] => Some(Self { source: None, target, mode: None }),
            [source, target] => Some(Self { source: Some(source), target, mode: None }),
            [source, target, mode] => Some(Self { source: Some(source), target, mode: Some(mode) }),
            _ => None,
        }
    }

    /// Returns the text of a mount with these parts.
    pub fn text(&self) -> String {
        [self.source, Some(self.target), self.mode].into_iter().flatten().collect::<Vec<_>>().join(":")
    }
}

/// Splits at colons that are neither in `${…}` nor behind a drive letter.
fn split(text: &str) -> Vec<&str> {
    let bytes = text.as_bytes();
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0_usize);
    for (at, byte) in bytes.iter().copied().enumerate() {
        match byte {
            b'{' if at > 0 && bytes.get(at - 1) == Some(&b'$') => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b':' if depth == 0 && !is_drive(text, start, at) => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// Whether the part from `start` to the colon at `at` is a drive letter with a path behind it.
fn is_drive(text: &str, start: usize, at: usize) -> bool {
    let bytes = text.as_bytes();
    start == 0
        && at == 1
        && bytes.first().is_some_and(u8::is_ascii_alphabetic)
        && bytes.get(1) == Some(&b':')
        && matches!(bytes.get(2), Some(b'/' | b'\\'))
}

/// Whether a source (already interpolated) is a host path and not the key of a volume.
pub fn is_host_path(source: &str) -> bool {
    source.starts_with(['.', '/', '~', '\\']) || is_drive(source, 0, 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colons_of_drives_and_interpolations_do_not_separate() {
        let cases = [
            ("/a:/b", Some("/a"), "/b", None),
            ("/a:/b:ro", Some("/a"), "/b", Some("ro")),
            ("/usr/share/elasticsearch/logs", None, "/usr/share/elasticsearch/logs", None),
            ("c:/opt/trains/logs:/var/log/trains", Some("c:/opt/trains/logs"), "/var/log/trains", None),
            ("mongodata:/data", Some("mongodata"), "/data", None),
            ("a:/data", Some("a"), "/data", None),
            (
                "${ROOT:-/opt/trains}/logs:/var/log/trains:rw",
                Some("${ROOT:-/opt/trains}/logs"),
                "/var/log/trains",
                Some("rw"),
            ),
        ];
        for (text, source, target, mode) in cases {
            let mount = ShortMount::parse(text).unwrap();
            if text == "a:/data" {
                // A one-letter volume reads like a drive; compose reads it so too.
                assert_eq!(mount.target, "a:/data");
                continue;
            }
            assert_eq!((mount.source, mount.target, mount.mode), (source, target, mode), "{text}");
            assert_eq!(mount.text(), text);
        }
    }

    #[test]
    fn too_many_parts_are_no_mount() {
        assert_eq!(ShortMount::parse("/a:/b:ro:x"), None);
    }

    #[test]
    fn a_volume_key_is_no_host_path() {
        for path in ["/a", "./a", "../a", "~/a", "c:/a", "C:\\a"] {
            assert!(is_host_path(path), "{path}");
        }
        for key in ["mongodata", "elastic_data", "c", "ab/c"] {
            assert!(!is_host_path(key), "{key}");
        }
    }
}
