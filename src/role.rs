//! What a service is for, whatever it is called, and where the stock images of that role keep what must not be lost.

use serde::{Deserialize, Serialize};

/// What a service is for, whatever it is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// The API server.
    Apiserver,
    /// The web application.
    Webserver,
    /// The store of artifacts and debug images.
    Fileserver,
    /// Elasticsearch: events, metrics, worker statistics.
    Elasticsearch,
    /// MongoDB: experiments, models, users.
    Mongo,
    /// Redis: queues of small state.
    Redis,
    /// The privileged worker that runs service tasks.
    AgentServices,
    /// Anything that is not part of the server.
    Other,
}

/// A directory in a container of the stock images in which its service keeps data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataPath {
    /// Whose it is.
    pub role: Role,
    /// Absolute path in the container.
    pub path: &'static str,
    /// Where the stock compose files of any release put it, below the home.
    pub below_home: &'static [&'static str],
}

/// Every data directory of the stock images, in the order in which they are planned.
pub const DATA_PATHS: [DataPath; 5] = [
    DataPath {
        role: Role::Elasticsearch,
        path: Role::ELASTICSEARCH_DATA,
        below_home: &["data/elastic", "data/elastic_7"],
    },
    DataPath { role: Role::Mongo, path: Role::MONGO_DATA, below_home: &["data/mongo/db", "data/mongo_4/db"] },
    DataPath {
        role: Role::Mongo,
        path: Role::MONGO_CONFIGDB,
        below_home: &["data/mongo/configdb", "data/mongo_4/configdb"],
    },
    DataPath { role: Role::Redis, path: Role::REDIS_DATA, below_home: &["data/redis"] },
    DataPath { role: Role::Fileserver, path: Role::FILESERVER_DATA, below_home: &["data/fileserver"] },
];

impl Role {
    /// Where Elasticsearch's image keeps its data.
    pub const ELASTICSEARCH_DATA: &str = "/usr/share/elasticsearch/data";
    /// Where MongoDB's image keeps its data.
    pub const MONGO_DATA: &str = "/data/db";
    /// MongoDB's second directory. Only a configuration server of a cluster keeps anything in it; the stock files mount
    /// it all the same.
    pub const MONGO_CONFIGDB: &str = "/data/configdb";
    /// Where Redis' image keeps its data.
    pub const REDIS_DATA: &str = "/data";
    /// Where the file server keeps what is uploaded.
    pub const FILESERVER_DATA: &str = "/mnt/fileserver";

    /// Services that keep data of the server, in the order in which they are planned.
    pub const WITH_DATA: [Self; 4] = [Self::Elasticsearch, Self::Mongo, Self::Redis, Self::Fileserver];

    /// Returns what it is called, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Apiserver => "API server",
            Self::Webserver => "web server",
            Self::Fileserver => "file server",
            Self::Elasticsearch => "Elasticsearch",
            Self::Mongo => "MongoDB",
            Self::Redis => "Redis",
            Self::AgentServices => "services agent",
            Self::Other => "other",
        }
    }

    /// Returns the container paths at which the stock images keep what must not be lost.
    pub fn usual_data_paths(self) -> impl Iterator<Item = &'static str> {
        DATA_PATHS.into_iter().filter(move |one| one.role == self).map(|one| one.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_role_with_data_has_a_data_path_and_no_other_has() {
        for one in DATA_PATHS {
            assert!(Role::WITH_DATA.contains(&one.role), "{}", one.path);
        }
        for role in Role::WITH_DATA {
            assert!(role.usual_data_paths().next().is_some(), "{}", role.title());
        }
    }
}
