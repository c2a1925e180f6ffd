//! Images that must be there: what the rewritten files name, whatever registry that is in, and what the temporary nodes
//! run.

use crate::compose::outcome::Outcome;
use crate::compose::roles::image_name;
use crate::deployment::Deployment;
use crate::plan::{ElasticPlan, Reader};
use crate::role::Role;
use std::collections::{BTreeMap, BTreeSet};

/// The image that reads the old data: the last 5.x, which opens what any 5.x wrote.
pub(super) const SOURCE_IMAGE: &str = "docker.elastic.co/elasticsearch/elasticsearch:5.6.16";

/// Returns the image that reads the old data where a node does: the old server's own, where it is the same one from
/// another registry.
pub(super) fn source(deployment: &Deployment) -> String {
    // The image of the same name on Docker's hub has other plugins, and does not know the settings of a temporary node.
    let same = |image: &&String| image.ends_with("/elasticsearch/elasticsearch:5.6.16");
    let old = deployment.service(Role::Elasticsearch).map(|service| &service.image).filter(same);
    old.cloned().unwrap_or_else(|| SOURCE_IMAGE.to_owned())
}

/// Returns the image that writes the new data: the new server's own.
pub(super) fn target(deployment: &Deployment, outcomes: &BTreeMap<String, Outcome>) -> Option<String> {
    let service = deployment.service(Role::Elasticsearch)?;
    outcomes.get(&service.name)?.image.clone().filter(|image| image_name(image) == "elasticsearch")
}

/// The image of the node that reads the old data, where one does.
fn of_the_reader(elastic: &ElasticPlan) -> Vec<String> {
    match elastic.reader {
        Reader::Segments { .. } => Vec::new(),
        Reader::Scroll { .. } => vec![elastic.source_image.clone()],
    }
}

/// The images of the new server's own services, and of those that are `added`; the user's other ones have theirs already.
pub(super) fn of_server(
    deployment: &Deployment,
    added: &[String],
    outcomes: &BTreeMap<String, Outcome>,
) -> Vec<String> {
    let ours = deployment.services.iter().filter(|one| one.role != Role::Other).map(|service| &service.name);
    ours.chain(added).filter_map(|name| outcomes.get(name)?.image.clone()).collect()
}

/// Every image that the run or the new server needs.
pub(super) fn all(of_server: Vec<String>, elastic: &ElasticPlan) -> Vec<String> {
    let mut images: Vec<String> = of_the_reader(elastic).into_iter().chain(of_server).collect();
    images.push(elastic.target_image.clone());
    let mut seen = BTreeSet::new();
    images.retain(|image| seen.insert(image.clone()));
    images
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::sample;

    fn outcomes(pairs: &[(&str, &str)]) -> BTreeMap<String, Outcome> {
        let of = |image: &str| Outcome { image: Some(image.to_owned()), container_name: None };
        pairs.iter().map(|(name, image)| ((*name).to_owned(), of(image))).collect()
    }

    #[test]
    fn the_images_are_those_of_the_rewritten_files_wherever_they_are_pulled_from() {
        let mut deployment = sample::deployment();
        let elastic = deployment.services.iter_mut().find(|one| one.role == Role::Elasticsearch).unwrap();
        elastic.image = "mirror:5000/elasticsearch/elasticsearch:5.6.16".to_owned();
        let mut other = deployment.services[0].clone();
        (other.name, other.role) = ("proxy".to_owned(), Role::Other);
        deployment.services.push(other);
        let outcomes = outcomes(&[
            ("apiserver", "mirror:5000/allegroai/clearml:1.1.1"),
            ("cache", "mirror:5000/redis:6"),
            ("inactive", "mirror:5000/never/pulled"),
            ("fileserver", "mirror:5000/allegroai/clearml:1.1.1"),
            ("elasticsearch", "mirror:5000/elasticsearch/elasticsearch:7.6.2"),
            ("mongo", "mirror:5000/mongo:3.6.5"),
            ("proxy", "nginx"),
            ("redis", "mirror:5000/redis:5.0"),
        ]);
        let mut plan = sample::plan().elastic().unwrap().clone();
        plan.target_image = target(&deployment, &outcomes).unwrap();
        plan.source_image = source(&deployment);
        plan.reader = Reader::Scroll { asked: true, why: "asked for".to_owned() };
        insta::assert_snapshot!(all(of_server(&deployment, &["cache".to_owned()], &outcomes), &plan).join("\n"), @r"
        mirror:5000/elasticsearch/elasticsearch:5.6.16
        mirror:5000/allegroai/clearml:1.1.1
        mirror:5000/elasticsearch/elasticsearch:7.6.2
        mirror:5000/mongo:3.6.5
        mirror:5000/redis:5.0
        mirror:5000/redis:6
        ");
        assert_eq!(plan.target_image, "mirror:5000/elasticsearch/elasticsearch:7.6.2");
    }

    #[test]
    fn an_old_image_of_another_kind_or_version_reads_nothing() {
        let mut deployment = sample::deployment();
        for image in ["elasticsearch:5.6.16", "mirror/elasticsearch/elasticsearch:5.6.3", "own/elastic"] {
            let elastic = deployment.services.iter_mut().find(|one| one.role == Role::Elasticsearch).unwrap();
            elastic.image = image.to_owned();
            assert_eq!(source(&deployment), SOURCE_IMAGE, "{image}");
        }
    }
}
