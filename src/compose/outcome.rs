//! What a set of compose files comes to for each service, as far as their texts tell: images and names of containers.
//!
//! Compose itself can be asked of files that are there; of rewritten ones that are yet to be written, this is the answer.

use super::interpolate;
use super::model::Project;
use crate::error::{Error, Result};
use std::collections::BTreeMap;

/// What is known of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Image with tag.
    pub image: Option<String>,
    /// Fixed name of the container.
    pub container_name: Option<String>,
}

/// Returns what the files, of which a later one wins, say of each service, with variables filled in.
///
/// # Errors
/// Fails for a text that is no compose file.
pub fn of(texts: &[String], variables: &BTreeMap<String, String>) -> Result<BTreeMap<String, Outcome>> {
    let mut all: BTreeMap<String, Outcome> = BTreeMap::new();
    let fill = |text: &String| interpolate::resolve(text, variables).filter(|text| !text.is_empty());
    for text in texts {
        let project = Project::from_yaml(text)
            .map_err(|cause| Error::internal("A rewritten compose file cannot be read.").because(cause))?;
        for (name, service) in project.services {
            let outcome = all.entry(name).or_default();
            outcome.image = service.image.as_ref().and_then(fill).or(outcome.image.take());
            outcome.container_name = service.container_name.as_ref().and_then(fill).or(outcome.container_name.take());
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_file_wins_in_every_way_of_writing() {
        let base = "services:\n  api: {image: 'a:1', \"container_name\": \"trains-api\"}\n  db:\n    image: ${MIRROR}/mongo:3.6\n    container_name: ${NONE}\n".to_owned();
        let json = r#"{"services": {"api": {"image": "b:2"}, "es": {"container_name": "clearml-elastic"}}}"#.to_owned();
        let variables = [("MIRROR".to_owned(), "registry:5000".to_owned())].into();
        let found = of(&[base, json], &variables).unwrap();
        let outcome = |image: Option<&str>, name: Option<&str>| Outcome {
            image: image.map(str::to_owned),
            container_name: name.map(str::to_owned),
        };
        assert_eq!(found["api"], outcome(Some("b:2"), Some("trains-api")));
        assert_eq!(found["db"], outcome(Some("registry:5000/mongo:3.6"), None));
        assert_eq!(found["es"], outcome(None, Some("clearml-elastic")));
        assert!(of(&["services: [".to_owned()], &variables).is_err());
    }
}
