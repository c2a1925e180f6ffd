//! Builds the plan: every path, name and edit that the steps will use is decided here, from what was found and what
//! was asked for, and nowhere else. Reads only.

mod data;
mod edits;
mod estimate;
mod home;
mod images;
mod mentions;
mod reader;
mod replacements;
pub mod rescue;
mod service_files;
mod variables;

pub use data::DataOptions;

use edits::Decided;

use crate::deployment::{Deployment, Experiments};
use crate::docker::ComposeChoice;
use crate::elastic::{IndexPlan, Survey};
use crate::error::{Error, Result};
use crate::files::space::TreeSize;
use crate::plan::{Archive, ElasticPlan, HomeMove, Migrated, Placement, Plan, Replacement, Rescue, ServerPlan, Store};
use crate::release::Release;
use crate::report::changed_fields;
use crate::role::Role;
use crate::settings::{Backup, Copying};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What is migrated.
pub enum Subject<'a> {
    /// The server that was found, and what was asked for.
    Server(Box<Deployment>, &'a PlanOptions),
    /// One data directory.
    Data(&'a DataOptions),
}

/// What was asked for of a server.
#[derive(Debug, Clone)]
pub struct PlanOptions {
    /// The target release.
    pub release: &'static Release,
    /// `--new-home`.
    pub new_home: Option<PathBuf>,
    /// `--keep-home`.
    pub keep_home: bool,
}

/// What is decided of a subject, but for how its documents are copied.
struct Parts {
    migrated: Migrated,
    home: HomeMove,
    replacements: Vec<Replacement>,
    archives: Vec<Archive>,
    /// Where a node that reads works on a clone.
    clone: PathBuf,
    source_image: String,
    target_image: String,
    /// What the new server runs.
    images: Vec<String>,
    notes: Vec<String>,
}

/// What was measured on this machine.
#[derive(Debug, Default)]
pub struct Measured {
    /// Size of each data and configuration directory.
    pub sizes: BTreeMap<PathBuf, TreeSize>,
    /// Memory of the machine (or docker's virtual machine) in bytes.
    pub memory: u64,
    /// What the old Elasticsearch data are, where they could be looked at.
    pub survey: Option<Survey>,
    /// What is to be copied out of containers; the deployment says already that it is where it will be copied to.
    pub rescues: Vec<Rescue>,
    /// Names of all volumes of the daemon.
    pub volumes: BTreeSet<String>,
    /// The compose that is there.
    pub compose: ComposeChoice,
    /// The old server's experiments.
    pub experiments: Experiments,
}

impl Measured {
    fn bytes(&self, path: &Path) -> u64 {
        self.sizes.get(path).map_or(0, |size| size.apparent)
    }

    /// Returns the names of the server's indices, and those of others.
    fn indices(&self) -> (Vec<String>, Vec<String>) {
        let names = self.survey.as_ref().map(Survey::names).unwrap_or_default();
        names.into_iter().partition(|name| crate::elastic::indices::is_ours(name))
    }

    /// Returns what the old indices will be, those aside that a check refuses.
    fn plans(&self) -> impl Iterator<Item = &IndexPlan> {
        self.survey.iter().flat_map(|survey| survey.plans.iter().flatten())
    }

    /// Returns why this program cannot read the old data's files, if it cannot.
    fn refusal(&self) -> Option<&Error> {
        self.survey.as_ref()?.refusal.as_ref()
    }

    fn live_bytes(&self) -> Option<u64> {
        self.survey.as_ref()?.live_bytes()
    }

    fn longest_document(&self) -> Option<u64> {
        self.survey.as_ref()?.longest_document
    }
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
    notes.extend(changed_fields(measured.plans()));
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

/// What the files of a plan's server would become if the home kept its name: the same edits, in a form that compose can
/// read before anything has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InPlace {
    /// Texts of the compose files, in their order.
    pub compose_files: Vec<String>,
    /// Texts of the environment files, in their order.
    pub env_files: Vec<String>,
}

/// Returns the plan's files as they would be in place.
///
/// # Errors
/// As [`build`].
pub fn in_place(plan: &Plan, server: &ServerPlan) -> Result<InPlace> {
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

/// Returns the directory of the files that the file server keeps.
fn artifacts(deployment: &Deployment) -> Option<&Path> {
    deployment.service(Role::Fileserver)?.data_mounts().first()?.storage.path()
}

fn mounted<'a>(deployment: &'a Deployment, role: Role, targets: &[&str]) -> Option<&'a Path> {
    let service = deployment.service(role)?;
    targets.iter().find_map(|target| service.mount(target)?.storage.path())
}

/// Returns where a Redis that the server has not had yet keeps its data, before the home moves: as upstream's files have it.
fn new_redis(deployment: &Deployment) -> PathBuf {
    deployment.home.join("data/redis")
}

/// Returns the directory of the server's own configuration files.
fn configuration(deployment: &Deployment) -> Option<&Path> {
    mounted(deployment, Role::Apiserver, &["/opt/trains/config", "/opt/clearml/config"])
}
