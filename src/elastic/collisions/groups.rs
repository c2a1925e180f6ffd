//! Documents of an index by the `_id` that they share: which of them keeps it, and what the others are called instead.
//!
//! Both follow from the documents alone, whatever the order in which they are read, so that every reading of the same
//! data gives the same names.

use super::super::routing::{same_task, task_of};
use crate::transfer::DocumentRef;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed, xxh3_128};

/// Mapping types of the server's own documents.
const SERVERS_TYPES: [&str; 3] = ["event", "stat", "metrics"];
/// Bytes of an `_id` that Elasticsearch takes.
const MOST_ID_BYTES: usize = 512;

/// What is remembered of a document that shares its `_id`. A node keeps one document for each type, `_id` and shard,
/// and the shard follows from the routing: so type and routing tell the documents of an `_id` apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// Hash of the `_id`.
    id: u128,
    /// Hash of type and routing.
    name: u64,
    /// Hash of the type.
    kind: u32,
    /// How little it is like a document of the server.
    rank: u8,
}

/// The documents of one `_id`.
#[derive(Debug, Clone, Copy)]
struct Group {
    id: u128,
    /// The [`Member::name`] of the one that keeps the `_id`.
    kept: u64,
    /// Whether a type is there twice, so that the routing must tell its documents apart.
    by_routing: bool,
}

/// All groups of an index, by their `_id`s.
#[derive(Debug)]
pub(super) struct Groups(Vec<Group>);

impl Member {
    pub fn new(document: &DocumentRef<'_>) -> Self {
        let kind = document.kind.unwrap_or_default();
        // Half of the hash is enough to see that two of a handful of types are not the same.
        Self {
            id: hash(document.id),
            name: name(document),
            kind: xxh3_64(kind.as_bytes()) as u32,
            rank: rank(document),
        }
    }
}

/// The server writes events under its own type and with their task as the routing, and all else without one. It writes
/// such a document again under its `_id`, so that this is the one to keep it.
fn rank(document: &DocumentRef<'_>) -> u8 {
    let by_type = if document.kind.is_some_and(|kind| SERVERS_TYPES.contains(&kind)) { 0 } else { 3 };
    by_type
        + match document.routing {
            Some(routing) if same_task(routing, task_of(document.source).as_deref()) => 0,
            None => 1,
            Some(_) => 2,
        }
}

impl Groups {
    /// Returns the groups of these documents.
    pub fn new(mut members: Vec<Member>) -> Self {
        members.sort_unstable_by_key(|member| (member.id, member.rank, member.name));
        let same_id = |a: &Member, b: &Member| a.id == b.id;
        let mut groups = Vec::with_capacity(members.chunk_by(same_id).count());
        for group in members.chunk_by(same_id) {
            let Some(first) = group.first() else { continue };
            let mut kinds: Vec<u32> = group.iter().map(|member| member.kind).collect();
            kinds.sort_unstable();
            let by_routing = kinds.windows(2).any(|pair| pair.first() == pair.last());
            groups.push(Group { id: first.id, kept: first.name, by_routing });
        }
        Self(groups)
    }

    /// Returns the `_id` that a document gets in place of its own: none if it keeps that.
    pub fn new_id(&self, document: &DocumentRef<'_>) -> Option<String> {
        let id = hash(document.id);
        let at = self.0.binary_search_by_key(&id, |group| group.id).ok()?;
        let group = self.0.get(at)?;
        if group.kept == name(document) {
            return None;
        }
        let kind = document.kind.unwrap_or_default();
        let whole = match document.routing.filter(|_| group.by_routing) {
            Some(routing) => format!("{kind}-{routing}-{}", document.id),
            None => format!("{kind}-{}", document.id),
        };
        let fits = whole.len() <= MOST_ID_BYTES;
        Some(if fits { whole } else { format!("{kind}-{:032x}", xxh3_128(whole.as_bytes())) })
    }
}

pub(super) fn hash(id: &str) -> u128 {
    xxh3_128(id.as_bytes())
}

fn name(document: &DocumentRef<'_>) -> u64 {
    let routing = document.routing.map_or(0, |routing| xxh3_64(routing.as_bytes()));
    xxh3_64_with_seed(document.kind.unwrap_or_default().as_bytes(), routing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn document<'a>(kind: &'a str, routing: Option<&'a str>, id: &'a str, source: &'a str) -> DocumentRef<'a> {
        DocumentRef { id, kind: Some(kind), routing, source: source.as_bytes() }
    }

    fn new_ids(documents: &[DocumentRef<'_>]) -> Vec<Option<String>> {
        let groups = Groups::new(documents.iter().map(Member::new).collect());
        documents.iter().map(|document| groups.new_id(document)).collect()
    }

    #[test]
    fn the_server_s_own_document_keeps_its_id() {
        let own = document("event", Some("t"), "x", r#"{"task":"t"}"#);
        let others = [
            document("event", None, "x", r#"{"task":"t"}"#),
            document("event", Some("u"), "x", r#"{"task":"t"}"#),
            document("apart", Some("t"), "x", r#"{"task":"t"}"#),
        ];
        for other in others {
            for documents in [[own, other], [other, own]] {
                let kept = new_ids(&documents).iter().position(Option::is_none).unwrap();
                assert_eq!(documents[kept].routing.zip(documents[kept].kind), Some(("t", "event")), "{other:?}");
            }
        }
        let stat = [document("stat", None, "x", "{}"), document("stat", Some("r"), "x", "{}")];
        assert_eq!(new_ids(&stat), [None, Some("stat-r-x".into())]);
    }

    #[test]
    fn the_others_get_type_and_id_and_the_routing_where_only_that_tells_them_apart() {
        let types = [document("event", Some("t"), "x", r#"{"task":"t"}"#), document("old", Some("t"), "x", "{}")];
        assert_eq!(new_ids(&types), [None, Some("old-x".into())]);
        let routings = ["t", "u", "v"].map(|routing| document("event", Some(routing), "x", r#"{"task":"t"}"#));
        assert_eq!(new_ids(&routings), [None, Some("event-u-x".into()), Some("event-v-x".into())]);
        let plain = [routings[0], document("event", None, "x", "{}"), document("event", None, "y", "{}")];
        assert_eq!(new_ids(&plain)[..2], [None, Some("event-x".into())]);
    }

    #[test]
    fn a_new_id_is_never_longer_than_elasticsearch_takes() {
        let long = "i".repeat(512);
        let documents = [document("event", Some("t"), &long, r#"{"task":"t"}"#), document("old", None, &long, "{}")];
        let [None, Some(new)] = &new_ids(&documents)[..] else { panic!("{documents:?}") };
        assert!(new.starts_with("old-") && new.len() == 36, "{new}");
        let shorter = &long[..508];
        let documents =
            [document("event", Some("t"), shorter, r#"{"task":"t"}"#), document("old", None, shorter, "{}")];
        assert_eq!(new_ids(&documents)[1], Some(format!("old-{shorter}")));
    }

    proptest! {
        #[test]
        fn all_but_one_get_another_id_whatever_the_order(
            names in proptest::collection::btree_set(("[ab]", proptest::option::of("[a-c]"), "[xy]"), 1..12),
            seed: u64,
        ) {
            let documents: Vec<DocumentRef<'_>> =
                names.iter().map(|(kind, routing, id)| document(kind, routing.as_deref(), id, r#"{"task":"a"}"#)).collect();
            let expected = new_ids(&documents);
            for id in ["x", "y"] {
                let of_id = documents.iter().zip(&expected).filter(|(document, _)| document.id == id);
                let kept = of_id.clone().filter(|(_, new)| new.is_none()).count();
                prop_assert_eq!(kept, usize::from(of_id.count() > 0));
            }
            let distinct: std::collections::BTreeSet<_> = expected.iter().flatten().collect();
            prop_assert_eq!(distinct.len(), expected.iter().flatten().count());
            let mut shuffled: Vec<usize> = (0..documents.len()).collect();
            fastrand::Rng::with_seed(seed).shuffle(&mut shuffled);
            let in_other_order: Vec<_> = shuffled.iter().map(|at| documents[*at]).collect();
            let found = new_ids(&in_other_order);
            prop_assert!(shuffled.iter().zip(found).all(|(at, new)| expected[*at] == new));
        }
    }
}
