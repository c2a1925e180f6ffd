//! The steps that a plan is made of.

use serde::{Deserialize, Serialize};

/// The steps of a migration, in the order in which they are applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Pull every image, before any downtime.
    PullImages,
    /// Take the old stack down.
    StopStack,
    /// Copy data out of containers that hold the only ones.
    Rescue,
    /// Archive data and configuration.
    BackUp,
    /// Copy every document from the old Elasticsearch to the new one.
    CopyElastic,
    /// Read the new Elasticsearch back and compare.
    VerifyElastic,
    /// Copy MongoDB's files.
    CopyMongo,
    /// Copy Redis' files.
    CopyRedis,
    /// Rename the old data directories.
    RetireSources,
    /// Rename the home, `/opt/trains` to `/opt/clearml`.
    MoveHome,
    /// Edit the compose files and `.env`.
    RewriteCompose,
    /// Bring the new stack up.
    StartStack,
    /// Ask the new server for what the old one had.
    CheckHealth,
}

impl Step {
    /// All steps, in order.
    pub const ALL: [Self; 13] = [
        Self::PullImages,
        Self::StopStack,
        Self::Rescue,
        Self::BackUp,
        Self::CopyElastic,
        Self::VerifyElastic,
        Self::CopyMongo,
        Self::CopyRedis,
        Self::RetireSources,
        Self::MoveHome,
        Self::RewriteCompose,
        Self::StartStack,
        Self::CheckHealth,
    ];

    /// Returns the name used in the journal and in failpoints.
    pub fn name(self) -> &'static str {
        match self {
            Self::PullImages => "pull_images",
            Self::StopStack => "stop_stack",
            Self::Rescue => "rescue",
            Self::BackUp => "back_up",
            Self::CopyElastic => "copy_elastic",
            Self::VerifyElastic => "verify_elastic",
            Self::CopyMongo => "copy_mongo",
            Self::CopyRedis => "copy_redis",
            Self::RetireSources => "retire_sources",
            Self::MoveHome => "move_home",
            Self::RewriteCompose => "rewrite_compose",
            Self::StartStack => "start_stack",
            Self::CheckHealth => "check_health",
        }
    }

    /// Returns what the step does, for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::PullImages => "Get the images",
            Self::StopStack => "Stop the old server",
            Self::Rescue => "Rescue data out of containers",
            Self::BackUp => "Back up",
            Self::CopyElastic => "Copy Elasticsearch",
            Self::VerifyElastic => "Verify Elasticsearch",
            Self::CopyMongo => "Copy MongoDB",
            Self::CopyRedis => "Copy Redis",
            Self::RetireSources => "Retire the old data",
            Self::MoveHome => "Move the home directory",
            Self::RewriteCompose => "Rewrite the compose file",
            Self::StartStack => "Start the new server",
            Self::CheckHealth => "Check the new server",
        }
    }

    /// Returns what taking the step back does, for people; nothing for steps that leave nothing to take back.
    pub fn undo_title(self) -> Option<&'static str> {
        match self {
            Self::PullImages | Self::BackUp | Self::VerifyElastic | Self::CheckHealth => None,
            Self::StopStack => Some("Start the old server"),
            Self::Rescue => Some("Take what was copied out of containers away"),
            Self::CopyElastic => Some("Take the new Elasticsearch data away"),
            Self::CopyMongo => Some("Take the copy of MongoDB away"),
            Self::CopyRedis => Some("Take the copy of Redis away"),
            Self::RetireSources => Some("Give the old data their names back"),
            Self::MoveHome => Some("Give the home directory its name back"),
            Self::RewriteCompose => Some("Put the old compose file back"),
            Self::StartStack => Some("Stop the new server"),
        }
    }

    /// Returns whether the step is part of the switch: after the commit record and before the new server starts.
    pub fn is_switch(self) -> bool {
        matches!(self, Self::RetireSources | Self::MoveHome | Self::RewriteCompose)
    }

    /// Returns whether the step comes after the commit record: whether it changes what the old server is made of.
    pub fn is_after_commit(self) -> bool {
        self >= Self::RetireSources
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_the_steps_is_the_order_of_the_enum() {
        let mut sorted = Step::ALL;
        sorted.sort();
        assert_eq!(sorted, Step::ALL);
        assert!(!Step::CopyRedis.is_after_commit() && Step::RetireSources.is_after_commit());
    }
}
