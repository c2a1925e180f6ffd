//! Names that Elasticsearch 7 and 8 keep for themselves, and that Elasticsearch 5.6 took as fields of a document. They
//! matter at the top of a document only.
//!
//! Source: `MetadataFieldMapper` and the classes that extend it, and `SeqNoFieldMapper` and `SourceFieldMapper` for the
//! names that only Lucene knows. All were tried on 5.6.16, 7.6.2, 7.17.29 and 8.17.0.

use super::super::node::Version;

/// Fields that a node refuses in a document, whatever the mapping says, with the first version that does.
const REFUSED: [(&str, (u32, u32)); 9] = [
    ("_ignored", (7, 0)),
    ("_seq_no", (7, 0)),
    ("_tier", (7, 10)),
    ("_doc_count", (7, 11)),
    ("_nested_path", (8, 0)),
    ("_data_stream_timestamp", (8, 0)),
    ("_ignored_source", (8, 15)),
    ("_index_mode", (8, 16)),
    ("_inference_fields", (8, 18)),
];

/// Fields that a node writes besides the document's own under these names: indexed once more, they are refused or do harm
/// (`_soft_deletes` would delete the document). Not indexed, they may be there.
const WRITTEN_BESIDES: [&str; 4] = ["_primary_term", "_tombstone", "_recovery_source", "_soft_deletes"];

/// Returns whether a target may have no field of this name in its mapping.
pub(super) fn is_kept_by_the_node(name: &str) -> bool {
    REFUSED.iter().any(|(reserved, _)| *reserved == name)
}

/// Returns whether a node of this version takes no document that has a field of this name at its top.
pub(in super::super) fn is_refused_by(name: &str, version: &Version) -> bool {
    REFUSED.iter().any(|(reserved, first)| *reserved == name && version.is_at_least(*first))
}

/// Returns the names that a node of this version takes in no document, at its top.
pub(in super::super) fn refused_names(version: &Version) -> Vec<&'static str> {
    REFUSED.iter().map(|(name, _)| *name).filter(|name| is_refused_by(name, version)).collect()
}

/// Returns whether a field of this name may be there and must not be indexed.
pub(super) fn is_written_besides(name: &str) -> bool {
    WRITTEN_BESIDES.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_refused_from_the_version_on_that_keeps_it() {
        let refused = |name, version| is_refused_by(name, &Version::parse(version).unwrap());
        for (name, version, expected) in [
            ("_ignored", "7.6.2", true),
            ("_seq_no", "8.17.0", true),
            ("_tier", "7.6.2", false),
            ("_tier", "7.17.29", true),
            ("_index_mode", "7.17.29", false),
            ("_index_mode", "8.17.0", true),
            ("_primary_term", "8.17.0", false),
            ("_own", "8.17.0", false),
        ] {
            assert_eq!(refused(name, version), expected, "{name} {version}");
        }
    }
}
