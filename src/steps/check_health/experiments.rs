//! MongoDB's experiments, held against the events that were copied.

use crate::deployment::{Experiments, count_experiments, how_to_count_experiments};
use crate::error::Result;
use crate::message::{Code, Message};
use crate::role::Role;
use crate::steps::Run;
use crate::steps::containers::container_of;
use crate::steps::copied::CopiedElastic;
use crate::steps::copied::copy_result;
use crate::text::plural;

/// Holds MongoDB's experiments against what was copied: those that have run have events.
pub(super) async fn compare_experiments(run: &Run) -> Result<()> {
    let container = container_of(run, Role::Mongo).await?;
    let told = match count_experiments(run.platform.exec(&container.id, &how_to_count_experiments())).await {
        Ok((all, ran)) => experiments_without(&run.server()?.experiments, all, ran, &copy_result(run)?),
        Err(error) => {
            vec![format!(
                "Whether all experiments came with their events was not asked of MongoDB: {}.",
                error.phrase()
            )]
        }
    };
    told.into_iter().for_each(|line| run.events.warn(Message::new(Code::ExperimentsDiffer, line)));
    Ok(())
}

/// Returns what does not fit together: the experiments of old, all of now, those that have run, and the copy.
fn experiments_without(before: &Experiments, all: u64, ran: u64, copied: &CopiedElastic) -> Vec<String> {
    let mut told = Vec::new();
    let experiments = plural(all, "experiment", "experiments");
    if ran > 0 && !copied.counts.keys().any(|index| index.starts_with("events-")) {
        told.push(format!(
            "The new server has {experiments}, {ran} of them have run, and there was no index of events to copy: it has no \
             console log, curve, plot or debug image of any of them."
        ));
    }
    if let Experiments::Counted { all: old, .. } = before
        && all < *old
    {
        let old = plural(*old, "experiment", "experiments");
        told.push(format!("The new server has {experiments}; the old one had {old} when the plan was made."));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn experiments_that_have_run_without_any_events_are_told() {
        let copied = |indices: &[&str]| CopiedElastic {
            counts: indices.iter().map(|index| ((*index).to_owned(), 1)).collect(),
            ..CopiedElastic::default()
        };
        let before = Experiments::Counted { all: 8, ran: 5 };
        let told = |all, ran, indices| experiments_without(&before, all, ran, &copied(indices));
        assert_eq!(told(8, 5, &["events-log-d1bd"]), Vec::<String>::new());
        assert_eq!(told(8, 0, &["worker_stats_d1bd_2020-06"]), Vec::<String>::new());
        assert!(told(8, 5, &["worker_stats_d1bd_2020-06"])[0].contains("8 experiments, 5 of them have run"));
        assert_eq!(
            told(7, 5, &["events-log-d1bd"]),
            ["The new server has 7 experiments; the old one had 8 experiments when the plan was made."]
        );
        // Of a plan that was made when nobody asked.
        assert_eq!(
            experiments_without(&Experiments::default(), 7, 5, &copied(&["events-log-x"])),
            Vec::<String>::new()
        );
    }
}
