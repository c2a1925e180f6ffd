//! This program's copy between two nodes that are there already, without containers, journal and questions around it:
//! what `tests/bench/run.sh` measures. Everything that costs time is the library's own, with its own defaults.
//!
//! ```text
//! bench-copy plans --source URL                          the target indices, as JSON, the largest first
//! bench-copy copy --source URL --target URL [--verify]   copies them all and prints what it did
//! ```

use clap::Parser;
use clearml_migrate::elastic::{
    Checkpoints, Client, Copier, CopyOptions, CopyOutcome, IndexPlan, RejectLog, Templates, indices, require_complete,
    verify_index,
};
use clearml_migrate::error::Result;
use clearml_migrate::events::Events;
use serde_json::{Value, json};
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
    /// Copy every index.
    Copy {
        /// Address of the old node.
        #[arg(long)]
        source: String,
        /// Address of the new node.
        #[arg(long)]
        target: String,
        /// Read every document back and compare.
        #[arg(long)]
        verify: bool,
    },
}

struct Forget;

impl Checkpoints for Forget {
    fn finished(&self, _: &CopyOutcome) -> Result<()> {
        Ok(())
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Plans { source } => list(&source).await,
        Command::Copy { source, target, verify } => copy(&source, &target, verify).await,
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

async fn plans(source: &Client) -> Result<Vec<IndexPlan>> {
    let templates = Templates::release_1_1()?;
    let mut plans = Vec::new();
    for listed in indices::list(source).await?.iter().filter(|listed| listed.is_ours()) {
        plans.push(IndexPlan::new(&indices::describe(source, listed).await?, &templates)?);
    }
    plans.sort_by_key(|plan| std::cmp::Reverse(plan.bytes));
    Ok(plans)
}

async fn list(source: &str) -> Result<Value> {
    let one = |plan: IndexPlan| json!({"index": plan.index, "documents": plan.documents, "creation": plan.creation()});
    Ok(plans(&Client::new(source)?).await?.into_iter().map(one).collect())
}

async fn copy(source: &str, target: &str, verify: bool) -> Result<Value> {
    let (source, target) = (Client::new(source)?, Client::new(target)?);
    let plans = plans(&source).await?;
    let rejects = std::env::temp_dir().join(format!("bench-rejects-{}.ndjson", std::process::id()));
    let options = CopyOptions::new(RejectLog::new(&rejects));
    let (events, cancel) = (Events::silent(), CancellationToken::new());
    let copier = Copier::new(source, target.clone(), options, events.clone(), cancel.clone()).await?;
    let outcomes = copier.copy_all(plans.clone(), &Forget).await?;
    require_complete(&outcomes, &rejects)?;
    let mut verified = 0;
    for plan in plans.iter().filter(|_| verify) {
        let copied = outcomes.iter().find(|outcome| outcome.index == plan.index);
        let Some(CopyOutcome { digest, .. }) = copied else { continue };
        verified += verify_index(&target, plan, digest, None, &events, &cancel).await?.require_equal()?.documents;
    }
    let copied: u64 = outcomes.iter().map(|outcome| outcome.written).sum();
    Ok(json!({"copied": copied, "verified": verified}))
}
