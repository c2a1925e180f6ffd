//! The releases that a migration can end at, with everything about them that is a fact of the release and not of the
//! user's machine.
//!
//! What the services of a release look like is written in `compose/<version>.yml`, which is embedded here; the rest
//! (rules that a compose file cannot express) is in [`Release`].

use crate::compose::model::Project;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A server release that we can bring up.
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    /// Such as `1.1`, as typed after `--to`.
    pub version: &'static str,
    /// Image of the API, web and file servers, without tag.
    ///
    /// Source: upstream's compose files 0.17.0 to 2.0.0.
    pub server_image: &'static str,
    /// The one tag of [`Self::server_image`] that this release means.
    ///
    /// Upstream's files say `latest`, which today is a 2.x server that runs on neither Elasticsearch 7.6 nor MongoDB 3.6.
    pub server_tag: &'static str,
    /// Image and tag of the services agent. It has no release of its own and installs a current agent when it starts.
    pub agent_image: &'static str,
    /// Image of Elasticsearch, without tag.
    pub elasticsearch_image: &'static str,
    /// Version, and tag, of Elasticsearch.
    ///
    /// Source: upstream's compose files 0.16.0 to 1.1.1.
    pub elasticsearch_version: &'static str,
    /// MongoDB series whose images and data stay as they are, such as `3.6`.
    ///
    /// Source: upstream's compose files up to 1.1.1 run 3.6.5; any 3.6 opens the data of any other 3.6.
    pub mongo_series: &'static str,
    /// Tag of Redis in upstream's file. A Redis of the user's own stays whatever its version: each one reads what an older
    /// one wrote, and the server asks nothing of it that 5.0 does not have.
    pub redis_tag: &'static str,
    /// Highest `num` in Mongo's `backend.versions` once the server has migrated its schema, and so proof that it did.
    ///
    /// Source: `apiserver/mongo/migrations/` at tag 1.1.1 ends with `1_0_2.py`.
    pub backend_version: &'static str,
    /// What the API server accepts unless it was configured otherwise.
    pub credentials: Credentials,
    /// Prefix of the name of the index template whose presence the API server takes for "the data are migrated".
    ///
    /// Source: `apiserver/es_factory` and `server_init` from 0.16.0 on: without a template `events*` and with stamps
    /// below 0.16.0 in Mongo, the server starts degraded and reports `missed_es_upgrade`.
    pub template_prefix: &'static str,
    /// Fields of MongoDB's documents that the server rewrites as it starts on the data of an earlier release: collections,
    /// with the fields of their documents. What is named here without need is only compared less.
    ///
    /// Source: the migrations `0_12_1` to `1_0_2` of `apiserver/mongo/migrations/`, by what the schema of each release has
    /// in another place or form than the one in front of it, and `apiserver/server_init` for users and companies.
    pub rewritten: &'static [(&'static str, &'static [&'static str])],
    /// The text of the stack: `compose/<version>.yml`.
    pub stack_text: &'static str,
}

/// What the steps of a migration have to know of a release. It is stored with the plan, so that a newer program does what
/// was agreed on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// [`Release::backend_version`].
    pub backend_version: String,
    /// The key of [`Release::credentials`].
    pub key: String,
    /// The secret of [`Release::credentials`].
    pub secret: String,
}

/// A key and secret for `auth.login`, HTTP basic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Credentials {
    /// The access key.
    pub key: &'static str,
    /// The secret key.
    pub secret: &'static str,
}

/// What may be done with a Mongo image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MongoImage {
    /// The release runs on it: it stays, whatever the exact tag.
    Stays,
    /// Nobody can say which version it is (`latest`, no tag, a tag of the user's own).
    Unknown,
    /// Another series: its data cannot be opened by this release's, or the other way round.
    OtherSeries,
}

/// The ClearML 1.1 release: the last one that needs no migration but that of Elasticsearch.
static V1_1: Release = Release {
    version: "1.1",
    server_image: "allegroai/clearml",
    server_tag: "1.1.1",
    agent_image: "allegroai/clearml-agent-services:latest",
    elasticsearch_image: "docker.elastic.co/elasticsearch/elasticsearch",
    elasticsearch_version: "7.6.2",
    mongo_series: "3.6",
    redis_tag: "5.0",
    backend_version: "1.0.2",
    // The user "Default User" of `apiserver/config/default/secure.conf` (section credentials.tests), which upstream
    // publishes and the Trains and ClearML clients of that time send unless configured otherwise. The server revokes it
    // when fixed users are on.
    credentials: Credentials {
        key: "EGRTCO8JMSIGI6S39GTP43NFWXDQOW",
        secret: "x!XTov_G-#vspE*Y(h$Anm&DIc5Ou-F)jsl$PdOyj5wG1&E!Z8",
    },
    template_prefix: "events",
    rewritten: &[
        ("auth.user", &["created", "credentials", "email", "role"]),
        ("backend.company", &["defaults"]),
        ("backend.model", &["system_tags", "tags"]),
        ("backend.project", &["description", "name", "parent", "path", "system_tags", "tags"]),
        ("backend.queue", &["system_tags", "tags"]),
        (
            "backend.task",
            &[
                "configuration",
                "container",
                "execution",
                "hyperparams",
                "last_metrics",
                "models",
                "output",
                "script",
                "system_tags",
                "tags",
            ],
        ),
    ],
    stack_text: include_str!("../../compose/1.1.yml"),
};

/// Returns all releases, oldest first.
pub fn all() -> &'static [&'static Release] {
    static ALL: [&Release; 1] = [&V1_1];
    &ALL
}

/// Returns the release called `version`, which may also be the full one, as its images are tagged.
///
/// # Errors
/// A usage error that names the known releases.
pub fn find(version: &str) -> Result<&'static Release> {
    let is_meant = |release: &&Release| release.version == version || release.server_tag == version;
    all().iter().copied().find(is_meant).ok_or_else(|| {
        let known: Vec<&str> = all().iter().map(|release| release.version).collect();
        Error::usage(format!("This program does not migrate to a release {version:?}.")).hint(format!(
            "It knows {}, and takes that one when --to is not given: --to {}",
            known.join(", "),
            V1_1.version
        ))
    })
}

impl Release {
    /// Returns what the steps have to know.
    pub fn facts(&self) -> Facts {
        let Credentials { key, secret } = self.credentials;
        Facts { backend_version: self.backend_version.to_owned(), key: key.to_owned(), secret: secret.to_owned() }
    }

    /// Returns the server's image with its tag.
    pub fn server(&self) -> String {
        format!("{}:{}", self.server_image, self.server_tag)
    }

    /// Returns Elasticsearch's image with its tag.
    pub fn elasticsearch(&self) -> String {
        format!("{}:{}", self.elasticsearch_image, self.elasticsearch_version)
    }

    /// Returns what may be done with a Mongo image of this tag.
    pub fn mongo_image(&self, tag: Option<&str>) -> MongoImage {
        let Some(tag) = tag else { return MongoImage::Unknown };
        let number = tag.split(['-', '_']).next().unwrap_or_default();
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = number.split('.');
        match (parts.next(), parts.next()) {
            (Some(major), Some(minor)) if digits(major) && digits(minor) => {
                if format!("{major}.{minor}") == self.mongo_series {
                    MongoImage::Stays
                } else {
                    MongoImage::OtherSeries
                }
            }
            // A bare "3" is whatever 3.x was newest when it was pulled; other bare majors are surely not our series.
            (Some(major), None) if digits(major) => {
                if self.mongo_series.split('.').next() == Some(major) {
                    MongoImage::Unknown
                } else {
                    MongoImage::OtherSeries
                }
            }
            _ => MongoImage::Unknown,
        }
    }

    /// Returns the services of the release as a compose model.
    ///
    /// # Errors
    /// An internal error if the embedded file is not valid, which a test excludes.
    pub fn stack(&self) -> Result<Project> {
        Project::from_yaml(self.stack_text).map_err(|cause| {
            Error::internal(format!("The stack of release {} is broken.", self.version)).because(cause)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    #[test]
    fn an_unknown_release_is_answered_with_the_known_ones() {
        let error: Error = find("9.9").unwrap_err();
        assert_eq!(error.kind().exit_code(), 2);
        assert!(error.hints()[0].ends_with("--to 1.1"), "{error:?}");
        assert_eq!(find("1.1.1").unwrap().version, "1.1");
    }

    #[test]
    fn the_embedded_stack_and_the_facts_name_the_same_images() {
        for release in all() {
            let stack = release.stack().unwrap();
            let image = |service: &str| stack.services[service].image.clone().unwrap();
            for service in ["apiserver", "webserver", "fileserver"] {
                assert_eq!(image(service), release.server());
            }
            assert_eq!(image("elasticsearch"), release.elasticsearch());
            assert_eq!(image("agent-services"), release.agent_image);
            assert_eq!(image("redis"), format!("redis:{}", release.redis_tag));
            let mongo = image("mongo");
            assert_eq!(release.mongo_image(mongo.split_once(':').map(|(_, tag)| tag)), MongoImage::Stays);
        }
    }

    #[test]
    fn a_mongo_image_stays_only_within_its_series() {
        let release = find("1.1").unwrap();
        let cases = [
            (Some("3.6"), MongoImage::Stays),
            (Some("3.6.5"), MongoImage::Stays),
            (Some("3.6.23-xenial"), MongoImage::Stays),
            (Some("3.60"), MongoImage::OtherSeries),
            (Some("3.4.2"), MongoImage::OtherSeries),
            (Some("4.4.9"), MongoImage::OtherSeries),
            (Some("5"), MongoImage::OtherSeries),
            (Some("3"), MongoImage::Unknown),
            (Some("latest"), MongoImage::Unknown),
            (Some(""), MongoImage::Unknown),
            (None, MongoImage::Unknown),
        ];
        for (tag, expected) in cases {
            assert_eq!(release.mongo_image(tag), expected, "{tag:?}");
        }
    }
}
