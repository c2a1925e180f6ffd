//! Plans as journals have them, read in every form that was ever written.
//!
//! | written by | what is another |
//! |---|---|
//! | 0.1 up to November 2026 | no `steps`: they followed from the rest, in a fixed order |
//! | 0.1 up to November 2026 | no `stores`, but `replacements` and `elastic` |
//! | 0.1 up to November 2026 | no `facts` of the release: they were those of the program |
//!
//! What this version does not know is an error that names it: a step that is left out is no step that is done.

use super::{Action, Plan, Stage, Step};
use crate::error::{Error, Result};
use crate::release;
use crate::role::Role;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Reads a plan. `begun` are the names of the steps that its journal tells of, `program` the version that began it.
///
/// # Errors
/// Fails, naming what it is, when the plan or its journal has something that this version does not know.
pub fn read<'a>(stored: &Value, begun: impl IntoIterator<Item = &'a str>, program: &str) -> Result<Plan> {
    let mut stored = stored.clone();
    let is_old = stored.get("steps").is_none();
    if let Some(fields) = stored.as_object_mut().filter(|_| is_old) {
        fields.insert("steps".to_owned(), json!([]));
    }
    if let Some(fields) = stored.as_object_mut().filter(|fields| !fields.contains_key("stores")) {
        fields.insert("stores".to_owned(), stores_of_old(fields));
    }
    let unknown = |what: String| told(&what, program);
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
    let read = serde_json::from_value(stored);
    let mut plan: Plan = read.map_err(|cause| unknown("The plan cannot be read.".to_owned()).because(cause))?;
    if is_old {
        plan.steps = steps_of_old(&plan);
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
fn stores_of_old(plan: &Map<String, Value>) -> Value {
    let places = plan.get("replacements").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let stores = places.chunk_by(|one, next| one.get("role") == next.get("role")).filter_map(|places| {
        let role = places.first()?.get("role")?;
        let way = match (role.as_str(), plan.get("elastic").and_then(Value::as_object)) {
            (Some("elasticsearch"), Some(elastic)) => {
                let mut way = elastic.clone();
                way.insert("by".to_owned(), json!("reindexing"));
                Value::Object(way)
            }
            _ => json!({ "by": "copying-files" }),
        };
        Some(json!({ "role": role, "way": way, "places": places }))
    });
    stores.collect()
}

/// Returns the steps of a plan that was stored without them.
pub(super) fn steps_of_old(plan: &Plan) -> Vec<Step> {
    let has_server = plan.server().is_some();
    let replaces = |role| plan.replacements_of(role).next().is_some();
    let files = |store| Action::CopyFiles { store };
    [
        (true, "pull_images", Stage::Prepare, Action::PullImages),
        (has_server, "stop_stack", Stage::Prepare, Action::StopStack),
        (!plan.rescues.is_empty(), "rescue", Stage::Prepare, Action::Rescue),
        (!plan.archives.is_empty(), "back_up", Stage::Prepare, Action::BackUp),
        (true, "copy_elastic", Stage::Prepare, Action::COPY_ELASTIC),
        (true, "verify_elastic", Stage::Prepare, Action::VERIFY_ELASTIC),
        (replaces(Role::Mongo), "copy_mongo", Stage::Prepare, files(Role::Mongo)),
        (replaces(Role::Redis), "copy_redis", Stage::Prepare, files(Role::Redis)),
        (true, "retire_sources", Stage::Switch, Action::RetireSources),
        (plan.home.to.is_some(), "move_home", Stage::Switch, Action::MoveHome),
        (has_server, "rewrite_compose", Stage::Switch, Action::RewriteCompose),
        (has_server, "start_stack", Stage::Serve, Action::StartStack),
        (has_server, "check_health", Stage::Serve, Action::CheckHealth),
    ]
    .into_iter()
    .filter(|(is_needed, ..)| *is_needed)
    .map(|(_, id, stage, action)| Step::new(id, stage, action))
    .collect()
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
        assert!(refused(&json!({ "steps": [] }), &[]).1.contains("run_id"));
    }
}
