//! Fields that the new data cannot have as the old data have them.

use crate::elastic::{FieldChange, IndexPlan};
use crate::message::{About, Code, Message};
use std::collections::BTreeMap;

/// Returns what there is to tell of each change of a field, with the indices where it is made.
pub fn changed_fields<'a>(plans: impl IntoIterator<Item = &'a IndexPlan>) -> Vec<Message> {
    let mut indices: BTreeMap<&FieldChange, Vec<&str>> = BTreeMap::new();
    for plan in plans {
        for change in &plan.changes {
            indices.entry(change).or_default().push(&plan.index);
        }
    }
    let told = |(change, indices): (&FieldChange, Vec<&str>)| {
        let text = format!("In {}, the field {} {}.", short(&indices), change.field, change.what);
        let indices = indices.into_iter().map(About::index);
        Message::new(Code::FieldChanged, text).about(About::field(&change.field)).about(indices)
    };
    indices.into_iter().map(told).collect()
}

/// Returns names of indices so that it stays readable when there are years of monthly ones.
pub(super) fn short(indices: &[&str]) -> String {
    match indices {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, other] => format!("{one} and {other}"),
        [one, others @ ..] => format!("{one} and {} more indices", others.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elastic::{SourceIndex, Templates};
    use serde_json::{Value, json};

    #[test]
    fn a_change_is_told_once_with_the_indices_where_it_is_made() {
        let metric = json!({"properties": {"name": {"type": "text"}}});
        let plan = |name: &str, properties: Value| {
            let source = SourceIndex {
                name: name.into(),
                documents: 1,
                bytes: 1,
                shards: 1,
                mappings: json!({"event": {"properties": properties}}),
                settings: json!({}),
                aliases: json!({}),
                closed: false,
            };
            IndexPlan::new(&source, &Templates::release_1_1().unwrap()).unwrap()
        };
        let mut plans =
            Vec::from(["a", "b", "c"].map(|name| plan(&format!("events-{name}"), json!({"metric": metric}))));
        plans.push(plan("events-d", json!({"_ignored": {"type": "text"}})));
        plans.push(plan("events-e", json!({"value": {"type": "text"}})));
        let told: Vec<String> = changed_fields(&plans).into_iter().map(|one| one.text).collect();
        insta::assert_snapshot!(told.join("\n"));
    }
}
