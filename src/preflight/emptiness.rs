//! Elasticsearch data without what a server has: those of a server that is empty, or of one whose disk is not mounted. Both
//! look the same from here, so that the first has to be said, and MongoDB is asked.

use crate::deployment::Experiments;
use crate::elastic::indices::is_ours;
use crate::findings::Finding;
use crate::lucene::data_dir::DataDir;
use crate::message::{About, Code};
use crate::plan::Plan;
use crate::text::plural;
use std::path::Path;

/// The option that says it.
const OPTION: &str = "--empty";
const IS_IT_MOUNTED: &str =
    "Is a disk not mounted, or was a copy cut off? Bring the data back, then run the same command again.";

/// Judges data in `place`, in which everything is whole that is there.
pub(super) fn judge(place: &Path, data: &DataDir, plan: &Plan) -> Vec<Finding> {
    let ours = data.indices.iter().filter(|index| is_ours(&index.name)).count();
    let experiments = plan.server().map(|server| &server.experiments);
    let said_empty = plan.elastic().is_some_and(|elastic| elastic.empty);
    if ours == 0 {
        return vec![nothing(place, data, experiments, said_empty).about(About::path(place))];
    }
    let mut findings = Vec::new();
    if said_empty {
        let holds = data.some_indices();
        findings.push(
            Finding::refusal(
                Code::NotEmpty,
                format!("{OPTION} was given, but {} is not empty: it holds {holds}.", place.display()),
                format!("Leave out {OPTION}."),
            )
            .about(About::path(place)),
        );
    }
    if !data.indices.iter().any(|index| index.name.starts_with("events-")) {
        let found = experiments.and_then(|experiments| no_events(place, data, experiments));
        findings.extend(found.map(|finding| finding.about(About::path(place))));
    }
    findings
}

/// There is no index of the server.
fn nothing(place: &Path, data: &DataDir, experiments: Option<&Experiments>, empty: bool) -> Finding {
    let nothing = data.nothing_of(" of the server", place);
    match experiments {
        Some(Experiments::Counted { all, ran: ran @ 1.. }) => lost(&nothing, *all, *ran),
        Some(Experiments::Counted { all, .. }) if empty => {
            believed(&nothing, &format!("{OPTION} was given, and {}", none_ran(*all)))
        }
        Some(Experiments::Unknown { why }) if empty => {
            believed(&nothing, &format!("{OPTION} was given; MongoDB was not asked ({why})"))
        }
        None if empty => believed(&nothing, &format!("{OPTION} was given")),
        Some(Experiments::Counted { all, .. }) => Finding::refusal(
            Code::NoIndices,
            format!("{nothing}."),
            format!(
                "{IS_IT_MOUNTED}\n{}, so that the server may well be empty. If you know that it is: {OPTION}",
                none_ran(*all)
            ),
        ),
        Some(Experiments::Unknown { why }) => Finding::refusal(
            Code::NoIndices,
            format!("{nothing}."),
            format!(
                "{IS_IT_MOUNTED}\nMongoDB knows whether there are experiments, and was not asked: {why}. Start the old server, then run the same command again.\nIf you know that the server is empty: {OPTION}"
            ),
        ),
        None => Finding::refusal(
            Code::NoIndices,
            format!("{nothing}."),
            format!("{IS_IT_MOUNTED}\nIf you know that the server is empty: {OPTION}"),
        ),
    }
}

/// There are indices of the server, but none of events.
fn no_events(place: &Path, data: &DataDir, experiments: &Experiments) -> Option<Finding> {
    let found = format!("{} holds no index events-*, only {}", place.display(), data.some_indices());
    match experiments {
        Experiments::Counted { all, ran: ran @ 1.. } => Some(lost(&found, *all, *ran)),
        Experiments::Counted { .. } => None,
        Experiments::Unknown { why } => Some(
            Finding::warning(
                Code::EventsUnknown,
                format!("{found}. Whether there are experiments without their events is not known: MongoDB was not asked ({why})."),
                "If experiments have run on this server, a part of the data is missing: is a disk not mounted?",
            )
            .lasting(),
        ),
    }
}

/// Says that no experiment has run, as a clause.
fn none_ran(all: u64) -> String {
    match all {
        0 => "MongoDB has no experiments".to_owned(),
        1 => "MongoDB has 1 experiment, which has not run".to_owned(),
        _ => format!("MongoDB has {}, none of which has run", plural(all, "experiment", "experiments")),
    }
}

fn lost(found: &str, all: u64, ran: u64) -> Finding {
    let experiments = plural(all, "experiment", "experiments");
    Finding::refusal(
        Code::EventsMissing,
        format!("{found}; but MongoDB has {experiments}, and {ran} of them have run."),
        format!(
            "{IS_IT_MOUNTED}\nIf all that they have reported is lost for good, and you want to go on without: stop the old server, so that MongoDB is not asked, and give {OPTION}."
        ),
    )
}

fn believed(nothing: &str, why: &str) -> Finding {
    Finding::warning(Code::TakenForEmpty, format!("{nothing}. The server is taken for empty: {why}."), IS_IT_MOUNTED)
        .lasting()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Severity;
    use crate::lucene::data_dir::{Index, Openness, VersionId};
    use crate::plan::Migrated;
    use crate::plan::sample;

    fn data(indices: &[&str]) -> DataDir {
        let index = |name: &&str| Index {
            name: (*name).to_owned(),
            uuid: format!("u-{name}"),
            openness: Openness::Open,
            created: VersionId(5_061_699),
            types: Vec::new(),
            shards: Vec::new(),
        };
        DataDir {
            cluster_uuid: Some("MtD2YVEcRyWoEl9a-2yjAQ".to_owned()),
            templates: ["events", "queue_metrics", "worker_stats"].map(str::to_owned).into(),
            indices: indices.iter().map(index).collect(),
            ..DataDir::default()
        }
    }

    /// Judges these indices of a server with these experiments; without any, of `elastic`.
    fn judged(indices: &[&str], experiments: Option<Experiments>, empty: bool) -> Vec<Finding> {
        let mut plan = sample::plan();
        plan.elastic_mut().unwrap().empty = empty;
        match (&mut plan.migrated, experiments) {
            (Migrated::Server(server), Some(experiments)) => server.experiments = experiments,
            (migrated, _) => *migrated = Migrated::Elastic { version: "7.6.2".into() },
        }
        judge(Path::new("/opt/trains/data/elastic"), &data(indices), &plan)
    }

    fn counted(all: u64, ran: u64) -> Option<Experiments> {
        Some(Experiments::Counted { all, ran })
    }

    fn unknown() -> Option<Experiments> {
        Some(Experiments::Unknown { why: "MongoDB does not run".into() })
    }

    fn refuses(findings: &[Finding]) -> bool {
        findings.iter().any(|finding| finding.severity == Severity::Refusal)
    }

    #[test]
    fn nothing_is_a_refusal_unless_it_is_said_and_mongodb_agrees() {
        let mut told = String::new();
        for (experiments, empty, refused) in [
            (counted(8, 5), false, true),
            (counted(8, 5), true, true),
            (counted(3, 0), false, true),
            (counted(3, 0), true, false),
            (counted(1, 0), false, true),
            (counted(0, 0), false, true),
            (counted(0, 0), true, false),
            (unknown(), false, true),
            (unknown(), true, false),
            (None, false, true),
            (None, true, false),
        ] {
            let findings = judged(&[], experiments, empty);
            assert_eq!(refuses(&findings), refused, "{findings:?}");
            assert!(findings.iter().all(|finding| refused || finding.lasting), "{findings:?}");
            for finding in findings {
                told.push_str(&format!("{:?} {}\n  {}\n", finding.severity, finding.what, finding.remedy));
            }
        }
        insta::assert_snapshot!(told);
    }

    #[test]
    fn indices_of_others_are_not_the_server_s() {
        let findings = judged(&[".monitoring-es-6-2020.07.01", ".kibana"], counted(8, 5), false);
        assert!(findings[0].what.contains("there are only .monitoring-es-6-2020.07.01, .kibana,"), "{findings:?}");
        assert!(refuses(&findings));
    }

    #[test]
    fn experiments_that_have_run_have_events_somewhere() {
        let stats = ["worker_stats_d1bd_2020-06"];
        assert!(refuses(&judged(&stats, counted(8, 5), false)));
        assert_eq!(judged(&stats, counted(8, 0), false), []);
        assert_eq!(judged(&stats, None, false), []);
        let warned = judged(&stats, unknown(), false);
        assert!(!refuses(&warned) && warned[0].lasting && warned[0].what.contains("only worker_stats"), "{warned:?}");
        assert_eq!(judged(&["events-log-d1bd"], counted(8, 5), false), []);
    }

    #[test]
    fn what_holds_something_is_not_called_empty() {
        let findings = judged(&["events-log-d1bd"], counted(0, 0), true);
        assert!(refuses(&findings) && findings[0].what.contains("it holds events-log-d1bd"), "{findings:?}");
    }
}
