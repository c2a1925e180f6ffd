//! The data of a plan: where they are, and how those of Elasticsearch are copied.

use super::{ElasticPlan, Plan, Replacement, Way};
use crate::role::Role;

impl Plan {
    /// Returns the data directories of all stores, in their order.
    pub fn replacements(&self) -> impl DoubleEndedIterator<Item = &Replacement> {
        self.stores.iter().flat_map(|store| &store.places)
    }

    /// Returns the data directories of one role.
    pub fn replacements_of(&self, role: Role) -> impl Iterator<Item = &Replacement> {
        self.replacements().filter(move |one| one.role == role)
    }

    /// Returns how the documents of Elasticsearch are copied, if they are.
    pub fn elastic(&self) -> Option<&ElasticPlan> {
        self.stores.iter().find_map(|store| match &store.way {
            Way::Reindexing(elastic) => Some(elastic.as_ref()),
            Way::CopyingFiles => None,
        })
    }

    /// As [`Plan::elastic`], to be changed before anything is copied.
    pub fn elastic_mut(&mut self) -> Option<&mut ElasticPlan> {
        self.stores.iter_mut().find_map(|store| match &mut store.way {
            Way::Reindexing(elastic) => Some(elastic.as_mut()),
            Way::CopyingFiles => None,
        })
    }
}
