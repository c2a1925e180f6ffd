//! Plans as journals have them, read in every form that was ever written.
//!
//! | written by | what is another |
//! |---|---|
//! | 0.1 up to November 2026 | no `steps`: they followed from the rest, in a fixed order |
//! | 0.1 up to November 2026 | no `stores`, but `replacements` and `elastic` |
//! | 0.1 up to November 2026 | no `facts` of the release: they were those of the program |
//!
//! What this version does not know is an error that names it: a step that is left out is no step that is done.

use super::{ElasticPlan, Plan, Step, Store};
use crate::error::{Error, Result};
use crate::release;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Reads a plan. `begun` are the names of the steps that its journal tells of, `program` the version that began it.
///
/// # Errors
/// Fails, naming what it is, when the plan or its journal has something that this version does not know.
pub fn read<'a>(stored: &Value, begun: impl IntoIterator<Item = &'a str>, program: &str) -> Result<Plan> {
    let unknown = |what: String| told(&what, program);
    let unreadable = |cause| unknown("The plan cannot be read.".to_owned()).because(cause);
    let mut stored = stored.clone();
    let is_old = stored.get("steps").is_none();
    if let Some(fields) = stored.as_object_mut().filter(|_| is_old) {
        fields.insert("steps".to_owned(), json!([]));
    }
    if let Some(fields) = stored.as_object_mut().filter(|fields| !fields.contains_key("stores")) {
        let stores = stores_of_old(fields).map_err(unreadable)?;
        fields.insert("stores".to_owned(), stores);
    }
    if let Some(server) = stored.pointer_mut("/migrated").and_then(Value::as_object_mut)
        && let Some(release) = server.get("release").and_then(Value::as_str).filter(|_| !server.contains_key("facts"))
    {
        let release = release::find(release).map_err(|error| unknown(error.message().to_owned()))?;
        server.insert("facts".to_owned(), json!(release.facts()));
    }
    let mut steps = stored.get("steps").and_then(Value::as_array).into_iter().flatten();
    if let Some((step, cause)) = steps.find_map(|step| Some((step, Step::deserialize(step).err()?))) {
        let id = step.get("id").and_then(Value::as_str).unwrap_or("without a name");
        return Err(unknown(format!("The step {id} of the plan is not known.")).because(cause));
    }
    let mut plan: Plan = serde_json::from_value(stored).map_err(unreadable)?;
    if is_old {
        plan.steps = plan.usual_steps();
    }
    let ids: BTreeSet<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    if ids.len() != plan.steps.len() || !plan.steps.is_sorted_by_key(|step| step.stage) {
        return Err(unknown("The steps of the plan are not in an order that can be followed.".to_owned()));
    }
    match begun.into_iter().find(|id| !ids.contains(id)) {
        Some(id) => Err(unknown(format!("The step {id}, which was begun, is not one of the plan."))),
        None => Ok(plan),
    }
}

fn told(what: &str, program: &str) -> Error {
    let own = env!("CARGO_PKG_VERSION");
    Error::failed(what).hint(format!(
        "This is version {own}; version {program} of this program began the migration, and can go on with it or take it back."
    ))
}

/// Returns the stores of a plan that has its directories in one list, and the copy of Elasticsearch beside it.
fn stores_of_old(plan: &Map<String, Value>) -> serde_json::Result<Value> {
    let field = |name: &str| plan.get(name).unwrap_or(&Value::Null);
    let elastic = ElasticPlan::deserialize(field("elastic"))?;
    serde_json::to_value(Store::of(Vec::deserialize(field("replacements"))?, &elastic))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    fn stored() -> Value {
        serde_json::to_value(sample::plan()).unwrap()
    }

    /// As the first programs stored a plan: without steps, and without stores.
    fn of_old() -> Value {
        let mut plan = stored();
        let fields = plan.as_object_mut().unwrap();
        fields.remove("steps");
        let Value::Array(stores) = fields.remove("stores").unwrap() else { panic!("they are a list") };
        let mut elastic = stores[0]["way"].clone();
        elastic.as_object_mut().unwrap().remove("by");
        fields.insert("elastic".to_owned(), elastic);
        let places = stores.iter().flat_map(|store| store["places"].as_array().unwrap().clone());
        fields.insert("replacements".to_owned(), places.collect());
        plan
    }

    #[test]
    fn facts_of_the_release_that_were_not_stored_are_this_program_s_and_others_are_kept() {
        let mut plan = stored();
        plan["migrated"]["facts"]["backend_version"] = json!("1.0.3");
        let facts = |plan: &Value| read(plan, [], "0.1.0").unwrap().server().unwrap().facts.clone();
        assert_eq!(facts(&plan).backend_version, "1.0.3");
        plan["migrated"].as_object_mut().unwrap().remove("facts");
        assert_eq!(facts(&plan), release::find("1.1").unwrap().facts());
        plan["migrated"]["release"] = json!("7.7");
        assert!(refused(&plan, &[]).0.contains("7.7"));
    }

    fn refused(plan: &Value, begun: &[&str]) -> (String, String) {
        let error = read(plan, begun.iter().copied(), "9.9.9").unwrap_err();
        assert!(error.hints()[0].contains("version 9.9.9 of this program began the migration"), "{error:?}");
        (error.message().to_owned(), error.causes().join(" "))
    }

    #[test]
    fn a_plan_is_read_as_it_was_stored() {
        assert_eq!(read(&stored(), ["copy_mongo"], "0.1.0").unwrap(), sample::plan());
    }

    #[test]
    fn a_plan_of_the_first_programs_says_the_same() {
        assert_eq!(read(&of_old(), [], "0.1.0").unwrap(), sample::plan());
    }

    #[test]
    fn a_plan_without_steps_has_those_that_followed_from_it() {
        let ids = |plan: &Value| -> Vec<String> {
            read(plan, [], "0.1.0").unwrap().steps.into_iter().map(|step| step.id).collect()
        };
        let mut whole = of_old();
        whole["rescues"] = json!([{ "service": "redis", "role": "redis", "container": "1", "name": "r", "kept_as": "k",
            "path": "/data", "to": "/opt/trains/data/redis", "bytes": null }]);
        let all = [
            "pull_images",
            "stop_stack",
            "rescue",
            "back_up",
            "copy_elastic",
            "verify_elastic",
            "copy_mongo",
            "copy_redis",
            "retire_sources",
            "move_home",
            "rewrite_compose",
            "start_stack",
            "check_health",
        ];
        assert_eq!(ids(&whole), all);
        let mut least = of_old();
        least["migrated"] = json!({ "what": "elastic", "version": "7.6.2" });
        (least["home"]["to"], least["archives"]) = (Value::Null, json!([]));
        least["replacements"].as_array_mut().unwrap().truncate(1);
        assert_eq!(ids(&least), ["pull_images", "copy_elastic", "verify_elastic", "retire_sources"]);
    }

    #[test]
    fn what_is_not_known_of_a_plan_is_named_with_the_version_that_can_go_on() {
        let mut of_the_future = stored();
        of_the_future["steps"][5]["action"] = json!({ "does": "raise_mongo", "to": "4.4" });
        let (message, cause) = refused(&of_the_future, &[]);
        assert_eq!(message, "The step copy_mongo of the plan is not known.");
        assert!(cause.contains("raise_mongo"), "{cause}");
        assert_eq!(
            refused(&stored(), &["copy_elastic", "raise_mongo"]).0,
            "The step raise_mongo, which was begun, is not one of the plan."
        );
        let mut twice = stored();
        twice["steps"][1] = twice["steps"][0].clone();
        assert!(refused(&twice, &[]).0.contains("in an order"));
        let mut early = stored();
        early["steps"][0]["stage"] = json!("serve");
        assert!(refused(&early, &[]).0.contains("in an order"));
        assert!(refused(&json!({ "steps": [], "stores": [] }), &[]).1.contains("run_id"));
    }
}
