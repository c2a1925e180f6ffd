//! What the old indices will be in the new Elasticsearch, from their state files alone: what cannot be made there is
//! refused while the old server runs.

use crate::elastic::{IndexPlan, Survey, Version};
use crate::findings::Finding;
use crate::message::{About, Code};
use crate::plan::Plan;

/// Judges what each index of the server will be.
pub(super) fn can_be_made(survey: &Survey, plan: &Plan) -> Vec<Finding> {
    let target = plan.elastic().and_then(|elastic| Version::parse(elastic.target_image.rsplit(':').next()?));
    judge(survey, target.as_ref())
}

fn judge(survey: &Survey, target: Option<&Version>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for planned in &survey.plans {
        match planned {
            Ok(plan) => findings.extend(target.into_iter().flat_map(|target| reserved(plan, target))),
            Err(error) => findings.push(Finding::from_error(Code::MappingImpossible, error)),
        }
    }
    findings
}

fn reserved(plan: &IndexPlan, target: &Version) -> Vec<Finding> {
    let tell = |field: &str| {
        Finding::warning(
            Code::ReservedField,
            format!(
                "The index {} has the field {field}. Elasticsearch {target} keeps that name for itself and refuses every document that has it.",
                plan.index
            ),
            "Such documents can only be left out (--accept-rejects). Whether there are any, `check --documents` tells while the old server runs.",
        )
        .about(About::index(&plan.index))
        .about(About::field(field))
    };
    plan.refused_fields(target).map(tell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Severity;
    use crate::lucene::testing;
    use serde_json::json;

    #[test]
    fn an_index_that_does_not_store_its_documents_is_refused_while_the_old_server_runs() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            judge(&Survey::of(dir.path()).unwrap(), Version::parse("7.6.2").as_ref()),
            [],
            "what is no data directory, another check tells"
        );
        testing::elastic5(dir.path());
        let stored = json!({"event": {"properties": {"metric": {"properties": {"name": {"type": "text"}}}}}});
        testing::index(dir.path(), "events-log-a", "stored", 5_061_699, &[stored]);
        assert_eq!(
            judge(&Survey::of(dir.path()).unwrap(), Version::parse("7.6.2").as_ref()),
            [],
            "objects in place of a value are no reason"
        );
        let without = json!({"event": {"_source": {"enabled": false}}});
        testing::index(dir.path(), "events-log-b", "without", 5_061_699, std::slice::from_ref(&without));
        testing::index(dir.path(), "others", "others", 5_061_699, &[without]);
        let findings = judge(&Survey::of(dir.path()).unwrap(), Version::parse("7.6.2").as_ref());
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].what.starts_with("The index events-log-b does not store its documents"), "{findings:?}");
    }

    #[test]
    fn names_that_the_new_version_keeps_for_itself_are_told() {
        let dir = tempfile::tempdir().unwrap();
        testing::elastic5(dir.path());
        let mapping = json!({"event": {"properties": {"_ignored": {"type": "text"}, "_tier": {"type": "text"}}}});
        testing::index(dir.path(), "events-log-a", "a", 5_061_699, &[mapping]);
        let told = |version| {
            let findings = judge(&Survey::of(dir.path()).unwrap(), Version::parse(version).as_ref());
            assert!(findings.iter().all(|one| one.severity == Severity::Warning));
            findings.iter().map(|one| one.what.split(". ").next().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(told("7.6.2"), ["The index events-log-a has the field _ignored"]);
        assert_eq!(told("7.17.29").len(), 2);
    }
}
