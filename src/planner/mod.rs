//! Builds the plan: every path, name and edit that the steps will use is decided here, from what was found and what
//! was asked for, and nowhere else. Reads only.

mod data;
mod directories;
mod edits;
mod estimate;
mod home;
mod images;
mod mentions;
mod parts;
mod reader;
mod replacements;
pub mod rescue;
mod service_files;
mod variables;

pub use data::DataOptions;
pub use parts::{Measured, PlanOptions};

use directories::{artifacts, configuration, new_redis};
use edits::Decided;
use parts::Parts;

use crate::deployment::Deployment;
use crate::elastic::Templates;
use crate::error::{Error, Result};
use crate::notices::changed_fields;
use crate::plan::{
    Archive, ElasticPlan, HomeMove, InPlace, Migrated, Placement, Plan, Replacement, Rescue, ServerPlan, Store,
};
use crate::role::Role;
use crate::settings::{Backup, Copying};
use std::path::{Path, PathBuf};

/// What is migrated.
pub enum Subject<'a> {
    /// The server that was found, and what was asked for.
    Server(Box<Deployment>, &'a PlanOptions),
    /// One data directory.
    Data(&'a DataOptions),
}

/// Builds the plan of a migration.
///
/// # Errors
/// Refuses what cannot be edited safely, or named without a clash.
pub fn build(subject: Subject<'_>, copying: &Copying, measured: &Measured, stamp: &str, run_id: &str) -> Result<Plan> {
    let parts = match subject {
        Subject::Server(deployment, options) => server(*deployment, options, copying, measured, stamp)?,
        Subject::Data(options) => data::decide(options, copying, measured, stamp)?,
    };
    let (indices, left) = measured.indices();
    let on_id_collision = copying.on_id_collision.unwrap_or_default();
    let reader = reader::choose(copying.reader, on_id_collision, measured.refusal())?;
    let elastic = ElasticPlan {
        source_image: parts.source_image,
        target_image: parts.target_image,
        clone: parts.clone,
        heaps: crate::plan::heaps(measured.memory, copying.memory, &reader),
        reader,
        verification: copying.verification.unwrap_or_default(),
        on_id_collision,
        indices,
        left,
        empty: copying.empty,
        warnings: Vec::new(),
        live_bytes: measured.live_bytes(),
        longest_document: measured.longest_document(),
        templates: Templates::release_1_1()?.stored(),
    };
    let mut plan = Plan {
        run_id: run_id.to_owned(),
        stamp: stamp.to_owned(),
        migrated: parts.migrated,
        home: parts.home,
        estimate_seconds: estimate::seconds(&parts.replacements, &parts.archives, &elastic),
        stores: Store::of(parts.replacements, &elastic),
        archives: parts.archives,
        rescues: measured.rescues.clone(),
        in_the_way: Vec::new(),
        steps: Vec::new(),
        images: images::all(parts.images, &elastic),
        notes: parts.notes,
    };
    plan.steps = plan.usual_steps();
    Ok(plan)
}

fn server(
    deployment: Deployment,
    options: &PlanOptions,
    copying: &Copying,
    measured: &Measured,
    stamp: &str,
) -> Result<Parts> {
    let mut notes: Vec<String> = deployment.disagreements.iter().map(ToString::to_string).collect();
    notes.extend(changed_fields(measured.plans()).into_iter().map(|one| one.text));
    notes.extend(deployment.notes.iter().cloned());
    let home = home::decide(&deployment, options);
    let new_project = home::new_project(&deployment.project, &home, measured.compose.generation);
    require_another_project(&deployment, &new_project.name, &measured.rescues)?;
    let replacements = replacements::decide(&deployment, measured, stamp, &new_project.name)?;
    let around = edits::Around {
        release: options.release,
        home: &home,
        replacements: &replacements,
        rescues: &measured.rescues,
        new_project: &new_project,
        stamp,
    };
    let Decided { edits, outcomes, added } = edits::decide(&deployment, &around, &mut notes)?;
    Ok(Parts {
        clone: clone_path(&deployment, &replacements),
        source_image: images::source(&deployment),
        target_image: images::target(&deployment, &outcomes).unwrap_or_else(|| options.release.elasticsearch()),
        archives: archives(&deployment, copying, measured, &replacements, stamp),
        images: images::of_server(&deployment, &added, &outcomes),
        home,
        replacements,
        notes,
        migrated: Migrated::Server(Box::new(ServerPlan {
            release: options.release.version.to_owned(),
            facts: options.release.facts(),
            new_redis: (!added.is_empty()).then(|| new_redis(&deployment)),
            deployment,
            compose: measured.compose.clone(),
            experiments: measured.experiments.clone(),
            edits,
            new_project,
            container_names: outcomes.into_values().filter_map(|one| one.container_name).collect(),
        })),
    })
}

/// A container that is kept belongs to its compose project for ever, and compose would make it anew in a project of the
/// same name.
fn require_another_project(deployment: &Deployment, new: &str, rescues: &[Rescue]) -> Result<()> {
    let Some(rescue) = rescues.iter().find(|_| deployment.project.name == new) else { return Ok(()) };
    Err(Error::refused(format!(
        "The container {} is to be kept, but the new server's compose project would have the name of the old one, {new}, and compose would replace it.",
        rescue.name
    ))
    .hint("Let the server move to a directory of another name (--new-home DIR), if the project is named after its directory.")
    .hint("Or take the name out of the compose file (name:), .env (COMPOSE_PROJECT_NAME) and your shell, so that the directory names it.")
    .hint("Or rescue the data by hand, as without --rescue."))
}

/// Returns the plan's files as they would be in place.
///
/// # Errors
/// As [`build`].
pub fn in_place(plan: &Plan) -> Result<InPlace> {
    let Some(server) = plan.server() else { return Ok(InPlace::default()) };
    let release = crate::release::find(&server.release)?;
    let home = HomeMove { to: None, ..plan.home.clone() };
    let replacements: Vec<Replacement> = plan.replacements().cloned().collect();
    let around = edits::Around {
        release,
        home: &home,
        replacements: &replacements,
        rescues: &plan.rescues,
        new_project: &server.new_project,
        stamp: &plan.stamp,
    };
    let texts = edits::texts(&server.deployment, &around, &mut Vec::new())?;
    Ok(InPlace {
        compose_files: texts.compose_files.into_iter().map(|file| file.new).collect(),
        env_files: texts.env_files.into_iter().map(|(_, _, new)| new).collect(),
    })
}

/// The clone lies beside the data, where hard links are possible; but never inside a volume or a mounted disk's
/// parent, which is another file system anyway.
fn clone_path(deployment: &Deployment, replacements: &[Replacement]) -> PathBuf {
    let elastic = replacements.iter().find(|one| one.role == Role::Elasticsearch);
    match elastic.map(|one| (&one.placement, one.source.parent())) {
        Some((Placement::Retire { .. } | Placement::Swap { .. }, Some(parent))) => {
            parent.join(".clearml-migrate-clone-elastic")
        }
        _ => crate::plan::work_dir(&deployment.home).join("clone-elastic"),
    }
}

fn archives(
    deployment: &Deployment,
    copying: &Copying,
    measured: &Measured,
    replacements: &[Replacement],
    stamp: &str,
) -> Vec<Archive> {
    let backup = copying.backup.unwrap_or_default();
    let dir = copying
        .backup_dir
        .clone()
        .unwrap_or_else(|| crate::plan::work_dir(&deployment.home).join("backup"))
        .join(stamp);
    let mut archives = Vec::new();
    let mut add = |what: &str, source: &Path, name: &str| {
        let file = dir.join(format!("{name}.tar.gz"));
        archives.push(Archive { what: what.into(), source: source.into(), file, bytes: measured.bytes(source) });
    };
    if backup == Backup::None {
        return archives;
    }
    for one in replacements {
        match one.role {
            Role::Elasticsearch => add("Elasticsearch data", &one.source, "elastic"),
            _ if backup != Backup::All => {}
            Role::Mongo => add(
                &format!("MongoDB {}", one.mounted_at),
                &one.source,
                &format!("mongo{}", one.mounted_at.replace('/', "-")),
            ),
            _ => add("Redis data", &one.source, "redis"),
        }
    }
    if backup == Backup::All
        && let Some(path) = artifacts(deployment)
    {
        add("artifacts (fileserver)", path, "fileserver");
    }
    // One that holds nothing is not worth an archive, and one that is missing has none.
    let holds_something = |path: &&Path| match measured.sizes.get(*path) {
        Some(size) => size.files > 0,
        None => path.exists(),
    };
    if let Some(path) = configuration(deployment).filter(holds_something) {
        add("configuration", path, "config");
    }
    archives
}
