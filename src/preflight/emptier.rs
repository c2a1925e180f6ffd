//! Whether the rewritten files still give each service what it is told today: a variable that nobody sets any more is an
//! empty text to compose, and `http://${HOST}:8081` becomes `http://:8081` without a word.

use super::Finding;
use crate::compose::model::Project;
use crate::deployment::Deployment;
use std::collections::BTreeMap;

/// Finds variables of services whose values have lost something. Values may be secrets: only names are told.
pub(super) fn services(deployment: &Deployment, model: &Project) -> Vec<Finding> {
    let mut findings = Vec::new();
    for service in &deployment.services {
        let Some(new) = model.services.get(&service.name) else { continue };
        let emptier = emptier(&service.environment, &new.environment);
        if !emptier.is_empty() {
            findings.push(Finding::refusal(
                format!(
                    "After the migration {} of {} would lack something that {} now: a variable in the value is not set under its new name.",
                    emptier.join(", "),
                    service.name,
                    if emptier.len() == 1 { "it has" } else { "they have" }
                ),
                "Write the value out in the compose file or in .env, without other variables, and run the same command again.",
            ));
        }
    }
    findings
}

/// Returns the new names of variables whose values are what is left of the old ones when something is taken out.
fn emptier(old: &BTreeMap<String, String>, new: &BTreeMap<String, Option<String>>) -> Vec<String> {
    let lost = |(name, before): (&String, &String)| {
        let renamed = name.strip_prefix("TRAINS_").map(|rest| format!("CLEARML_{rest}"));
        // What moved to another key has another meaning as well.
        let (name, after) =
            renamed.as_ref().and_then(|name| new.get_key_value(name)).or_else(|| new.get_key_value(name))?;
        let after = after.as_ref()?;
        (after.len() < before.len() && is_left_of(after, before)).then(|| name.clone())
    };
    old.iter().filter_map(lost).collect()
}

/// Whether one text is another with parts taken out.
fn is_left_of(left: &str, whole: &str) -> bool {
    let mut rest = whole.chars();
    left.chars().all(|char| rest.any(|other| other == char))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compose::model;
    use crate::deployment::Role;
    use crate::report::sample;

    #[test]
    fn a_value_that_has_lost_its_variable_is_refused_by_name() {
        let mut deployment = sample::deployment();
        let api = deployment.services.iter_mut().find(|one| one.role == Role::Apiserver).unwrap();
        let old = [
            ("TRAINS_FILES_HOST", "http://10.0.0.1:8081"),
            ("TRAINS_WEB_HOST", "http://10.0.0.1:8080"),
            ("TRAINS__SECURE__A", "secret"),
            ("WORKERS", "4"),
            ("TRAINS_ROOT", "/opt/trains"),
        ];
        api.environment = old.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let found = |new: [(&str, Option<&str>); 5]| {
            let environment = new.map(|(name, value)| (name.to_owned(), value.map(str::to_owned))).into();
            let service = model::Service { environment, ..Default::default() };
            let model = Project { services: [("apiserver".to_owned(), service)].into(), ..Default::default() };
            services(&deployment, &model).into_iter().map(|one| one.what).collect::<Vec<_>>().join("\n")
        };
        let same = [
            ("CLEARML_FILES_HOST", Some("http://10.0.0.1:8081")),
            ("CLEARML_WEB_HOST", Some("http://10.0.0.1:8080")),
            ("CLEARML__SECURE__A", None),
            ("WORKERS", Some("4")),
            ("CLEARML_ROOT", Some("/opt/clearml")),
        ];
        assert_eq!(found(same), "");
        let mut lost = same;
        lost[0].1 = Some("http://:8081");
        insta::assert_snapshot!(found(lost), @"After the migration CLEARML_FILES_HOST of apiserver would lack something that it has now: a variable in the value is not set under its new name.");
        lost[3].1 = Some("");
        insta::assert_snapshot!(found(lost), @"After the migration CLEARML_FILES_HOST, WORKERS of apiserver would lack something that they have now: a variable in the value is not set under its new name.");
    }
}
