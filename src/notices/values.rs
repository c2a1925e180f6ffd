//! Values that the new Elasticsearch does not take, and documents that it refuses, as they are told.

use super::fields::short;
use crate::elastic::{IndexPlan, Kept, Looked, Unindexed, Version};
use crate::message::{About, Code, Message};
use crate::text::count;
use crate::text::documents;
use std::collections::BTreeMap;

/// What is told in one sentence: all indices of a field with the same fate.
#[derive(Debug, Default)]
struct Group<'a> {
    indices: Vec<&'a str>,
    documents: u64,
    at_most: bool,
    example: &'a str,
}

/// Returns what there is to tell of each field with values that are kept in their documents and not found by searches.
pub fn unindexed_fields<'a>(plans: impl IntoIterator<Item = &'a IndexPlan>) -> Vec<Message> {
    let mut groups: BTreeMap<(&str, u8), Group<'a>> = BTreeMap::new();
    for plan in plans {
        for one in &plan.unindexed {
            let Unindexed { field, how, documents, at_most, example } = one;
            let group = groups.entry((field, rank(*how))).or_default();
            group.indices.push(&plan.index);
            group.documents += documents;
            group.at_most |= at_most;
            if *documents > 0 && (group.example.is_empty() || example.as_str() < group.example) {
                group.example = example;
            }
        }
    }
    groups
        .iter()
        .filter(|(_, group)| group.documents > 0)
        .map(|((field, rank), group)| {
            let told = Message::new(Code::NotIndexed, sentence(field, *rank, group)).about(About::field(field));
            told.about(group.indices.iter().copied().map(About::index))
        })
        .collect()
}

/// Texts are cut off at other lengths in other indices, and told together.
fn rank(how: Kept) -> u8 {
    match how {
        Kept::Malformed => 0,
        Kept::TooLong(_) => 1,
        Kept::Words => 2,
        Kept::NotIndexed => 3,
    }
}

fn sentence(field: &str, rank: u8, group: &Group<'_>) -> String {
    let Group { indices, documents: number, at_most, example } = group;
    let (indices, most) = (short(indices), if *at_most { "up to " } else { "" });
    let have = if *number == 1 { "has" } else { "have" };
    let whose = format!("In {indices}, {most}{} {have}", documents(*number));
    let (it, is) = if *number == 1 { ("It is", "it is") } else { ("They are", "they are") };
    let such = format!("such as {example}");
    match rank {
        0 => format!(
            "{whose} a value in the field {field} that the new Elasticsearch does not take, {such}. {it} copied whole, and {is} not found by it: curves and averages of it are without them."
        ),
        1 => format!(
            "{whose} a text in the field {field} that is longer than Elasticsearch can search for, {such}. {it} copied whole, and {is} not found by it."
        ),
        2 => format!(
            "{whose} a value in the field {field} that is neither true nor false, {such}. The field becomes a keyword in this index, and all its values are found as words."
        ),
        _ => format!(
            "{whose} an object in the field {field} where others have a value, or a value where others have an object, {such}. {it} copied whole, and the field cannot be searched in this index."
        ),
    }
}

/// Returns what there is to tell of each field for which the new Elasticsearch refuses documents, whatever its mapping says.
pub fn refused_documents(looked: &[Looked], target: &Version) -> Vec<Message> {
    let fields = looked.iter().flat_map(|one| one.refused.iter().map(|refused| (&one.plan.index, refused)));
    let told = fields.filter(|(_, refused)| refused.documents > 0).map(|(index, refused)| {
        let have = if refused.documents == 1 { "has" } else { "have" };
        let text = format!(
            "In {index}, {} {have} a field {}. Elasticsearch {target} keeps that name for itself and refuses them.",
            documents(refused.documents),
            refused.field
        );
        Message::new(Code::DocumentsRefused, text).about(About::index(index)).about(About::field(&refused.field))
    });
    told.collect()
}

/// Returns what there is to tell of a number that is not as it was foretold.
pub fn not_as_foretold(index: &str, field: &str, foretold: u64, counted: u64) -> Message {
    let text = format!(
        "In {index}, {} are without a value of {field} that can be searched for; {} were foretold. All are copied whole.",
        documents(counted),
        count(foretold)
    );
    Message::new(Code::NotAsForetold, text).about(About::index(index)).about(About::field(field))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elastic::{SourceIndex, Templates};
    use serde_json::json;

    fn plan(name: &str, unindexed: Vec<Unindexed>) -> IndexPlan {
        let source = SourceIndex {
            name: name.into(),
            documents: 1,
            bytes: 1,
            shards: 1,
            mappings: json!({"event": {}}),
            settings: json!({}),
            aliases: json!({}),
            closed: false,
        };
        IndexPlan { unindexed, ..IndexPlan::new(&source, &Templates::release_1_1().unwrap()).unwrap() }
    }

    #[test]
    fn each_field_is_told_once_with_what_is_not_found() {
        let one = |field: &str, how, documents, example: &str| Unindexed {
            field: field.into(),
            how,
            documents,
            at_most: how == Kept::Malformed && field == "d",
            example: example.into(),
        };
        let plans = [
            plan("events-a", vec![one("value", Kept::Malformed, 12, "1e39"), one("ok", Kept::Words, 1, "on")]),
            plan(
                "events-b",
                vec![one("value", Kept::Malformed, 1, "NaN"), one("worker", Kept::TooLong(10_922), 2, "aaa…")],
            ),
            plan("events-c", vec![one("metric", Kept::NotIndexed, 3, "{…}"), one("left", Kept::Malformed, 0, "x")]),
            plan("events-d", vec![one("d", Kept::Malformed, 1_500, "20200616")]),
        ];
        let looked = Looked {
            plan: plans[0].clone(),
            documents: 5,
            refused: vec![crate::elastic::RefusedField { field: "_ignored".into(), documents: 2 }],
        };
        let mut told = unindexed_fields(&plans);
        told.extend(refused_documents(&[looked], &Version::parse("7.6.2").unwrap()));
        told.push(not_as_foretold("events-a", "value", 12, 13));
        let told: Vec<String> = told.into_iter().map(|one| one.text).collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
