//! The bodies of data that a plan moves, each owned by one service.

use super::{ElasticPlan, Replacement};
use crate::role::Role;
use serde::{Deserialize, Serialize};

/// A body of data that the new server gets anew, the old one being kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// The service that owns it, by which steps name the store.
    pub role: Role,
    /// How the new data come about.
    pub way: Way,
    /// Its directories, at least one.
    pub places: Vec<Replacement>,
}

/// How the new data of a store come about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
pub enum Way {
    /// Every document is read from the old data and written into new ones of the release's version.
    Reindexing(Box<ElasticPlan>),
    /// The files are copied as they are.
    CopyingFiles,
}

impl Store {
    /// Returns the stores that places belong to, in the order of the places; `elastic` is how those of Elasticsearch are
    /// copied.
    pub fn of(places: Vec<Replacement>, elastic: &ElasticPlan) -> Vec<Self> {
        let mut stores: Vec<Self> = Vec::new();
        for place in places {
            let role = place.role;
            let way = || match role {
                Role::Elasticsearch => Way::Reindexing(Box::new(elastic.clone())),
                _ => Way::CopyingFiles,
            };
            match stores.iter_mut().find(|store| store.role == role) {
                Some(store) => store.places.push(place),
                None => stores.push(Self { role, way: way(), places: vec![place] }),
            }
        }
        stores
    }
}
