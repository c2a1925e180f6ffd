//! Whose the old data are: Elasticsearch's images run as user 1000, whoever calls this program.

use super::Subject;
use crate::error::Result;
use crate::files::blocking;
use crate::files::walk::walk_in_use;
use crate::findings::Finding;
use crate::message::{About, Code};
use crate::role::Role;
use crate::text::count;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// User and group of the images of 5.6 (`docker.elastic.co/elasticsearch/elasticsearch:5.6.16`: `elasticsearch`).
const ELASTICSEARCH: u32 = 1000;

/// The clone and the new data get the old data's owners, so both nodes must get along with these.
pub(super) async fn of_the_data(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let info = subject.docker.info();
    if info.rootless || info.user_namespaces || info.in_virtual_machine() {
        // There a container's user 1000 is another one here, or none.
        return Ok(Vec::new());
    }
    let mut findings = Vec::new();
    let sources = subject.plan.replacements_of(Role::Elasticsearch).filter_map(|one| subject.plan.seen_at(&one.source));
    for source in sources.filter(|source| source.is_dir()) {
        let (source, cancel) = (source.to_owned(), subject.cancel.clone());
        findings.extend(blocking(move || judge(&source, &cancel)).await?);
    }
    Ok(findings)
}

fn judge(source: &Path, cancel: &CancellationToken) -> Result<Option<Finding>> {
    let entries = walk_in_use(source, cancel)?;
    // What lies beside nodes/, such as lost+found, is of no interest to Elasticsearch.
    let is_data = |path: &Path| path.as_os_str().is_empty() || path.starts_with("nodes");
    // It makes no links either; where one lies, the clone refuses it by name.
    let closed = |meta: &Metadata| !meta.is_symlink() && !open_to_elasticsearch(meta);
    let mut closed = entries.iter().filter(|entry| is_data(&entry.path) && closed(&entry.meta));
    let Some(first) = closed.next() else { return Ok(None) };
    let more = match closed.count() {
        0 => "is".to_owned(),
        more => format!("and {} more there are", count(more as u64)),
    };
    let (uid, gid, mode) = (first.meta.uid(), first.meta.gid(), first.meta.mode() & 0o777);
    let shown = source.display();
    Ok(Some(Finding::refusal(
        Code::DataClosed,
        format!(
            "{} (user {uid}, group {gid}, mode {mode:o}) {more} closed to Elasticsearch, which runs as user {ELASTICSEARCH}.",
            first.at(source).display()
        ),
        format!(
            "Give the data back to Elasticsearch, as upstream's instructions do: sudo chown -R {ELASTICSEARCH}:{ELASTICSEARCH} {shown}; where that is not enough: sudo chmod -R u+rwX {shown}"
        ),
    )
    .about(About::path(source))))
}

/// Read and write, and for directories also enter: by the first of owner, group and others that applies.
fn open_to_elasticsearch(meta: &Metadata) -> bool {
    let needed = if meta.is_dir() { 0o7 } else { 0o6 };
    let shift = match (meta.uid() == ELASTICSEARCH, meta.gid() == ELASTICSEARCH) {
        (true, _) => 6,
        (false, true) => 3,
        (false, false) => 0,
    };
    meta.mode() >> shift & needed == needed
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, lchown};

    #[test]
    fn what_another_user_keeps_to_himself_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("elastic");
        fs::create_dir_all(data.join("nodes")).unwrap();
        let state = data.join("nodes/state");
        fs::write(&state, "").unwrap();
        fs::write(data.join("lost+found"), "").unwrap();
        fs::set_permissions(data.join("lost+found"), fs::Permissions::from_mode(0o600)).unwrap();
        fs::set_permissions(data.join("nodes"), fs::Permissions::from_mode(0o777)).unwrap();
        // Only root can give files away; whoever else runs the tests is not user 1000, or is, and then all is well.
        let root = [&data, &state, &data.join("lost+found")].iter().all(|path| lchown(path, Some(0), Some(0)).is_ok());
        for (of_dir, of_file, named) in [(0o755, 0o666, "elastic (user"), (0o777, 0o644, "elastic/nodes/state (user")] {
            fs::set_permissions(&data, fs::Permissions::from_mode(of_dir)).unwrap();
            fs::set_permissions(&state, fs::Permissions::from_mode(of_file)).unwrap();
            let found = judge(&data, &CancellationToken::new()).unwrap();
            assert!(!root || found.as_ref().is_some_and(|found| found.what.contains(named)), "{found:?}");
        }
        fs::set_permissions(&data, fs::Permissions::from_mode(0o777)).unwrap();
        fs::set_permissions(&state, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(judge(&data, &CancellationToken::new()).unwrap(), None);
    }
}
