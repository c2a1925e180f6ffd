//! This program's copy between two nodes that are there already, without containers, journal and questions around it:
//! what `tests/bench/run.sh` measures. Everything that costs time is the library's own, with its own defaults.
//!
//! ```text
//! bench-copy plans --source URL                    the target indices, as JSON, the largest first
//! bench-copy sizes --data DIR                      bytes of the old data, and those of live documents, as the program plans
//! bench-copy copy --source URL --target URL        copies them all and prints what it did
//! bench-copy copy --data DIR --target URL          the same from the files of a node that is stopped
//!            … --verify                            every document is read back from the target and compared
//!            … --verify-files DIR                  … from the files of the target's data directory
//! ```

use clap::{Args, Parser};
use clearml_migrate::elastic::{
    BulkSink, Client, Copier, CopyOptions, Files, IndexPlan, Search, Source, SourceIndex, Target, TargetFiles,
    Templates, check_served, indices, require_complete, verify_index,
};
use clearml_migrate::error::{Error, Result};
use clearml_migrate::events::Events;
use clearml_migrate::lucene::data_dir::{Kind, identify};
use clearml_migrate::transfer::{CopyOutcome, Mode, RejectLog, Verdict, Verified};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use tokio_util::sync::CancellationToken;

#[derive(Parser)]
enum Command {
    /// Print what the target indices will be.
    Plans {
        /// Address of the old node.
        #[arg(long)]
        source: String,
    },
    /// Print how large the old data are.
    Sizes {
        /// The old node's data directory.
        #[arg(long)]
        data: PathBuf,
    },
    /// Copy every index.
    Copy {
        #[command(flatten)]
        old: Old,
        /// Address of the new node.
        #[arg(long)]
        target: String,
        /// Read every document back and compare.
        #[arg(long)]
        verify: bool,
        /// The same, from the files of the target, which are in this directory.
        #[arg(long, conflicts_with = "verify")]
        verify_files: Option<PathBuf>,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Old {
    /// Address of the old node.
    #[arg(long)]
    source: Option<String>,
    /// The old node's data directory.
    #[arg(long)]
    data: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Plans { source } => list(&source).await,
        Command::Sizes { data } => sizes(&data),
        Command::Copy { old, target, verify, verify_files } => copy(&old, &target, verify, verify_files).await,
    };
    match done {
        Ok(value) => {
            println!("{value}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("bench-copy: {error}\n{}", error.causes().join("\n"));
            ExitCode::FAILURE
        }
    }
}

async fn described(source: &Client) -> Result<Vec<SourceIndex>> {
    let mut found = Vec::new();
    for listed in indices::list(source).await?.iter().filter(|listed| listed.is_ours()) {
        found.push(indices::describe(source, listed).await?);
    }
    Ok(found)
}

fn plans(indices: &[SourceIndex]) -> Result<Vec<IndexPlan>> {
    let templates = Templates::release_1_1()?;
    let mut plans = indices.iter().map(|index| IndexPlan::new(index, &templates)).collect::<Result<Vec<_>>>()?;
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.bytes));
    Ok(plans)
}

async fn list(source: &str) -> Result<Value> {
    let one = |plan: IndexPlan| json!({"index": plan.index, "documents": plan.documents, "creation": plan.creation()});
    Ok(plans(&described(&Client::new(source)?).await?)?.into_iter().map(one).collect())
}

fn sizes(data: &Path) -> Result<Value> {
    match identify(data)?.kind {
        Kind::Elastic5(found) => Ok(json!({"bytes": found.bytes(), "live_bytes": found.live_bytes()})),
        _ => Err(Error::refused(format!("{} is not the data of an Elasticsearch 5 node.", data.display()))),
    }
}

async fn copy(old: &Old, target: &str, verify: bool, verify_files: Option<PathBuf>) -> Result<Value> {
    let rejects = std::env::temp_dir().join(format!("bench-rejects-{}.ndjson", std::process::id()));
    let options = CopyOptions::new(RejectLog::new(&rejects));
    let (events, cancel) = (Events::silent(), CancellationToken::new());
    let (source, plans): (Source, _) = if let Some(data) = &old.data {
        let files = Files::open(data)?;
        let plans = plans(files.indices())?;
        let CopyOptions { rules, rejects, .. } = &options;
        let search = Search { files: &files, plans: &plans, directory: &std::env::temp_dir(), cancel: &cancel };
        search.collisions(&rules.accepted, rejects)?.require_none(rejects)?;
        (files.into(), plans)
    } else {
        let node = Client::new(old.source.as_deref().unwrap_or_default())?;
        let plans = plans(&described(&node).await?)?;
        (node.into(), plans)
    };
    let target = Client::new(target)?;
    let sink = BulkSink::new(target.clone(), Mode::Create).await?;
    let copier = Copier::new(source, sink, options, events.clone(), cancel.clone());
    let outcomes = copier.copy_all(plans.clone(), &()).await?;
    require_complete(&outcomes, &rejects)?;
    let written: Option<Target> = match verify_files {
        Some(data) => Some(TargetFiles::open(&data)?.into()),
        None => verify.then(|| target.clone().into()),
    };
    let mut verified = 0;
    for plan in &plans {
        let copied = outcomes.iter().find(|outcome| outcome.collection == plan.index);
        let (Some(CopyOutcome { digest, .. }), Some(written)) = (copied, &written) else { continue };
        let verdict = verify_index(written, plan, digest, None, &events, &cancel).await?;
        if let Verdict::Equal(Verified { documents, .. }, checks) = &verdict {
            let difference = check_served(&target, plan, *documents, checks).await?;
            difference.map_or(Ok(()), |difference| Err(difference.into_error()))?;
        }
        verified += verdict.require_equal()?.documents;
    }
    let copied: u64 = outcomes.iter().map(|outcome| outcome.written).sum();
    Ok(json!({"copied": copied, "verified": verified}))
}
