//! Whatever happens to a single document of the new data is found, named, and told apart from everything else.

use super::{CopyOutcome, IndexPlan, Pair, Source, Verdict};
use crate::nodes::{LOG_INDEX, OddIndices, delete, put};
use clearml_migrate::transfer::{Compared, Difference};
use serde_json::json;

const INDEX: &str = OddIndices::INDEX;

/// Changes documents of an index that was copied, and looks at what both verification and comparison say of it.
pub async fn every_change_is_found_by_name(
    pair: &Pair,
    source: &Source,
    plans: &[IndexPlan],
    outcomes: &[CopyOutcome],
) {
    let target = &pair.target;
    let whole = difference(pair, source, plans, outcomes, INDEX).await;
    assert_eq!(whole, None);
    let event = |number: u32| json!({"task": "t", "iter": number});
    // Dropped, doubled under another name, altered by one byte, routed elsewhere, put into the wrong index.
    delete(target, INDEX, "pretty").await;
    put(target, INDEX, "n100-again", &event(100)).await;
    put(target, INDEX, "n101", &event(201)).await;
    put(target, INDEX, "n102?routing=elsewhere", &event(102)).await;
    delete(target, INDEX, "n103").await;
    put(target, LOG_INDEX, "n103", &event(103)).await;

    let found = difference(pair, source, plans, outcomes, INDEX).await.unwrap();
    let missing = ["n103 is missing", "pretty is missing"];
    let changed = ["n101 has another content", "n102 has the routing elsewhere instead of none"];
    let extra = "n100-again should not be there";
    assert_eq!(told(&found), [changed[0], changed[1], missing[0], missing[1], extra]);
    assert_eq!((found.expected, found.found), (found.found + 1, found.expected - 1));
    let other = difference(pair, source, plans, outcomes, LOG_INDEX).await.unwrap();
    assert_eq!(told(&other), ["n103 should not be there"]);

    // At a later time what was added is no difference any more.
    let Compared { missing, changed, added, named, .. } = pair.compare(source, plan(plans, INDEX)).await;
    assert_eq!((missing, changed, added, named.len()), (2, 2, 1, 4));
    let compared = pair.compare(source, plan(plans, LOG_INDEX)).await;
    assert!(!compared.differs() && compared.added == 1, "{compared:?}");
}

fn plan<'a>(plans: &'a [IndexPlan], index: &str) -> &'a IndexPlan {
    plans.iter().find(|plan| plan.index == index).unwrap()
}

async fn difference(
    pair: &Pair,
    source: &Source,
    plans: &[IndexPlan],
    outcomes: &[CopyOutcome],
    index: &str,
) -> Option<Difference> {
    let outcome = outcomes.iter().find(|outcome| outcome.collection == index).unwrap();
    match pair.verify(source, plan(plans, index), outcome).await {
        Verdict::Equal(..) => None,
        Verdict::Different(difference) => Some(difference),
    }
}

fn told(difference: &Difference) -> Vec<String> {
    difference.named.iter().map(ToString::to_string).collect()
}
