//! A server that has left Elasticsearch 5 already. It is told as that, before any rule for old servers takes offence at one of
//! its parts: advice that fits an old server does harm to a later one, such as an older MongoDB on newer data.

use crate::deployment::Deployment;
use crate::elastic::Survey;
use crate::findings::Finding;
use crate::lucene::data_dir::Kind;
use crate::message::Code;

/// Returns the refusal of a server whose data are of a later Elasticsearch. Only where no data tell a version, its images do.
pub fn has_left(deployment: &Deployment, survey: Option<&Survey>) -> Option<Finding> {
    let named = later_server(deployment);
    let of_data = survey.and_then(|survey| match survey.identified.kind {
        Kind::Elastic5(_) => Some(None),
        Kind::Elastic(6..) => {
            Some(Some(format!("{}: {}", survey.identified.told(&survey.path), survey.identified.reason)))
        }
        Kind::Elastic(_) | Kind::SeveralNodes(_) => Some(None),
        Kind::Missing | Kind::Empty | Kind::NotADataDir | Kind::Unknown => None,
    });
    let what = match (of_data, named) {
        (Some(None), _) | (None, None) => return None,
        (Some(Some(data)), Some(server)) => format!("This is {server}. {data}."),
        (Some(Some(data)), None) => format!("{data}."),
        (None, Some(server)) => format!("This is {server}."),
    };
    let remedy = "This server has left Elasticsearch 5 already, so there is nothing for this migration to do with it. Leave its \
                  images as they are: an older database does not open what a newer one has written.";
    Some(Finding::refusal(Code::LaterServer, what, remedy))
}

/// Returns which later server it is by its images, with what says so.
fn later_server(deployment: &Deployment) -> Option<String> {
    let version = &deployment.version;
    // A version, or the first of several.
    let first = version.version.split_whitespace().next()?;
    let mut numbers = first.split('.').map(|number| number.parse::<u32>().ok());
    let (major, minor) = (numbers.next()??, numbers.next()??);
    // Trains 0.16 was the first with Elasticsearch 7.
    let name = match (major, minor) {
        (0, ..16) => return None,
        (0, _) => "Trains Server",
        _ => "ClearML Server",
    };
    Some(format!("{name} {} ({})", version.version, version.evidence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lucene::testing::{elastic5, state, write};
    use crate::plan::sample;
    use serde_json::json;
    use std::fs;

    fn told(version: &str, evidence: &str, data: Option<u32>) -> String {
        let dir = tempfile::tempdir().unwrap();
        let mut deployment = sample::deployment();
        deployment.version.version = version.to_owned();
        deployment.version.evidence = evidence.to_owned();
        if let Some(node) = data {
            elastic5(dir.path());
            fs::remove_file(dir.path().join("nodes/0/_state/node-0.st")).unwrap_or_default();
            write(&dir.path().join("nodes/0/_state/node-1.st"), &state(&json!({"node_id": "x", "node_version": node})));
        }
        let survey = Survey::of(dir.path()).unwrap();
        let finding = has_left(&deployment, Some(&survey));
        let said = finding.map(|finding| format!("{}\n{}", finding.what, finding.remedy)).unwrap_or_default();
        said.replace(&dir.path().display().to_string(), "/opt/clearml/data/elastic_7")
    }

    #[test]
    fn a_later_server_is_told_as_what_it_is() {
        insta::assert_snapshot!(told("1.2 to 1.9", "Elasticsearch 7.16.2", Some(7_160_299)), @r"
        This is ClearML Server 1.2 to 1.9 (Elasticsearch 7.16.2). /opt/clearml/data/elastic_7 holds Elasticsearch 7 data, not 5: the node's own state says 7.16.2.
        This server has left Elasticsearch 5 already, so there is nothing for this migration to do with it. Leave its images as they are: an older database does not open what a newer one has written.
        ");
        insta::assert_snapshot!(told("0.16", "Elasticsearch 7.6.2", Some(7_060_299)), @r"
        This is Trains Server 0.16 (Elasticsearch 7.6.2). /opt/clearml/data/elastic_7 holds Elasticsearch 7 data, not 5: the node's own state says 7.6.2.
        This server has left Elasticsearch 5 already, so there is nothing for this migration to do with it. Leave its images as they are: an older database does not open what a newer one has written.
        ");
        insta::assert_snapshot!(told("unknown", "no image says more than `latest`", Some(7_060_299)), @r"
        /opt/clearml/data/elastic_7 holds Elasticsearch 7 data, not 5: the node's own state says 7.6.2.
        This server has left Elasticsearch 5 already, so there is nothing for this migration to do with it. Leave its images as they are: an older database does not open what a newer one has written.
        ");
        // Data that are not there say nothing.
        insta::assert_snapshot!(told("2.0 or later", "Elasticsearch 8.17.0", None), @r"
        This is ClearML Server 2.0 or later (Elasticsearch 8.17.0).
        This server has left Elasticsearch 5 already, so there is nothing for this migration to do with it. Leave its images as they are: an older database does not open what a newer one has written.
        ");
    }

    #[test]
    fn data_of_elasticsearch_5_count_more_than_images() {
        assert_eq!(told("1.2 to 1.9", "Elasticsearch 7.16.2", Some(5_061_699)), "");
        for version in ["0.15.1", "0.10 to 0.15", "unknown"] {
            assert_eq!(told(version, "Elasticsearch 5.6.16", None), "");
        }
    }
}
