//! Finds the old server, measures it, builds the plan and checks it: all that happens before anything is changed.

use super::Context;
use super::session::{Tools, settled_home, stamp_now};
use crate::deployment::{Deployment, Experiments, Search, Service, find};
use crate::docker::{Container, ProjectArgs};
use crate::elastic::Survey;
use crate::error::Result;
use crate::files::blocking;
use crate::files::space::{self, TreeSize};
use crate::plan::{Plan, Rescue};
use crate::planner::{self, Measured, Wishes};
use crate::preflight::{self, Finding, Severity, Subject};
use crate::release;
use crate::role::Role;
use crate::settings::{DEFAULT_RELEASE, Migration, NewHome, Session};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A plan with what the checks found.
pub(super) struct Prepared {
    pub plan: Plan,
    pub findings: Vec<Finding>,
}

/// Finds, measures, plans and checks. Reads only.
///
/// # Errors
/// Refused when there is no server or several; failed when something cannot be read.
pub(super) async fn prepare(
    settings: &Migration,
    tools: &Tools,
    journals: Vec<ProjectArgs>,
    may_run: bool,
    context: &Context,
) -> Result<Prepared> {
    let search = search(&settings.session, journals);
    let mut deployment = find(&search, tools.compose()?, &tools.docker, &context.cancel).await?;
    // There is no plan for data that are in no place that is known, or that lasts.
    let doubts = preflight::doubts(&deployment).into_iter();
    let mut unknown: Vec<Finding> = doubts.filter(|finding| finding.severity == Severity::Refusal).collect();
    let foreign = preflight::paths_of_windows(&deployment);
    if !foreign.is_empty() {
        // Whatever else is odd follows from that.
        unknown = foreign;
    }
    if !unknown.is_empty() {
        return Err(refuse_at_once(&unknown, context));
    }
    let stamp = stamp_now();
    let rescues = match settings.rescue {
        true => rescues(&mut deployment, tools, &stamp, context).await?,
        false => Vec::new(),
    };
    let containers = tools.docker.project_containers(&deployment.project.name).await?;
    let mut lost = preflight::unsafe_storage(&deployment, &containers);
    if !lost.is_empty() {
        let can_be_rescued = preflight::lost_with_down(&deployment).len() == lost.len()
            && !preflight::any_in_memory(&deployment, &containers);
        let rescue = settings.session.command("--rescue --dry-run");
        lost.iter_mut().filter(|_| can_be_rescued).for_each(|one| {
            one.remedy.push_str(&format!("\nOr let this program copy them out, and keep the container: {rescue}"))
        });
        return Err(refuse_at_once(&lost, context));
    }
    let measured = measure(&deployment, rescues, tools, context).await?;
    if let Some(left) = preflight::has_left(&deployment, measured.survey.as_ref()) {
        return Err(refuse_at_once(&[left], context));
    }
    let wishes = Wishes {
        release: settings.release.map_or_else(|| release::find(DEFAULT_RELEASE), Ok)?,
        new_home: match &settings.new_home {
            NewHome::At(path) => Some(settled_home(path)?),
            NewHome::Usual | NewHome::Keep => None,
        },
        keep_home: settings.new_home == NewHome::Keep,
        backup: settings.backup.unwrap_or_default(),
        backup_dir: settings.backup_dir.clone(),
        memory: settings.memory,
        reader: settings.reader,
        verification: settings.verification.unwrap_or_default(),
        on_id_collision: settings.on_id_collision.unwrap_or_default(),
        empty: settings.empty,
    };
    let run_id = format!("{stamp}-{}", std::process::id());
    let mut plan = planner::build(deployment, &wishes, &measured, &stamp, &run_id)?;
    plan.in_the_way = preflight::in_the_way(&plan, &tools.docker).await?;
    for one in &plan.in_the_way {
        plan.notes.push(format!(
            "A stopped container that is not of this project is named {}, as the new server's will be. It is renamed to {}.",
            one.name, one.aside
        ));
    }
    let subject = Subject {
        plan: &plan,
        survey: measured.survey.as_ref(),
        docker: &tools.docker,
        may_run,
        cancel: &context.cancel,
    };
    let (found, afterwards) = tokio::join!(
        preflight::run(&subject),
        preflight::would_find_its_data(&plan, tools.compose()?, &tools.docker, &context.cancel)
    );
    let mut findings = found?;
    findings.extend(afterwards?);
    findings.sort_by_key(|finding| finding.severity);
    if let Some(elastic) = plan.elastic_mut() {
        elastic.warnings = preflight::lasting(&findings);
    }
    Ok(Prepared { plan, findings })
}

fn refuse_at_once(findings: &[Finding], context: &Context) -> crate::Error {
    context.display.print(&super::findings_text(findings, context.display.paint()));
    preflight::refusal(findings).unwrap_or_else(|| crate::Error::internal("A refusal without a reason."))
}

fn search(session: &Session, journals: Vec<ProjectArgs>) -> Search {
    let named = ProjectArgs {
        files: session.compose.files.clone(),
        name: session.compose.project_name.clone(),
        directory: session.compose.project_directory.clone(),
        env_files: session.compose.env_files.clone(),
    };
    Search {
        named,
        journals,
        command: session.door.command(),
        home: session.home.clone(),
        current_directory: session.current_dir.clone(),
        well_known: Search::WELL_KNOWN.map(PathBuf::from).into(),
    }
}

/// Decides what is to be copied out of containers; what cannot be is refused.
async fn rescues(deployment: &mut Deployment, tools: &Tools, stamp: &str, context: &Context) -> Result<Vec<Rescue>> {
    let containers = tools.docker.project_containers(&deployment.project.name).await?;
    let containers: BTreeMap<String, Container> = containers.into_iter().map(|one| (one.id.clone(), one)).collect();
    let (mut rescues, impossible) = planner::rescue::decide(deployment, &containers, tools.docker.info(), stamp)?;
    if !impossible.is_empty() {
        return Err(refuse_at_once(&impossible, context));
    }
    for rescue in &mut rescues {
        let Some(place) = rescue.seen_at.clone() else { continue };
        let cancel = context.cancel.clone();
        rescue.bytes = blocking(move || space::measure(&place, &cancel)).await.ok().map(|size| size.apparent);
    }
    Ok(rescues)
}

async fn measure(deployment: &Deployment, rescues: Vec<Rescue>, tools: &Tools, context: &Context) -> Result<Measured> {
    let mut measured = Measured {
        memory: tools.docker.info().memory,
        volumes: tools.docker.volume_names().await?,
        compose: tools.compose()?.choice().clone(),
        experiments: Experiments::of(deployment, &tools.docker).await,
        ..Measured::default()
    };
    let data = Role::WITH_DATA.into_iter().filter_map(|role| deployment.service(role)).flat_map(Service::data_mounts);
    let configuration = deployment.service(Role::Apiserver).into_iter().flat_map(|service| &service.mounts);
    for mount in data.chain(configuration) {
        let Some(path) = mount.storage.path().filter(|path| path.is_dir()).map(PathBuf::from) else { continue };
        if measured.sizes.contains_key(&path) {
            continue;
        }
        let (root, cancel) = (path.clone(), context.cancel.clone());
        // A server that runs changes its files while they are counted: then the size is not known, and not needed.
        if let Ok(size) = blocking(move || space::measure(&root, &cancel)).await {
            measured.sizes.insert(path, size);
        }
    }
    for rescue in &rescues {
        let size = TreeSize { apparent: rescue.bytes.unwrap_or_default(), ..TreeSize::default() };
        measured.sizes.insert(rescue.to.clone(), size);
    }
    let elastic = deployment.service(Role::Elasticsearch).and_then(|one| one.data_mounts().first()?.storage.path());
    let elastic = elastic.map(PathBuf::from);
    let rescued = rescues.iter().find(|rescue| Some(&rescue.to) == elastic.as_ref());
    let elastic = rescued.map_or(elastic.clone(), |rescue| rescue.seen_at.clone());
    measured.rescues = rescues;
    if let Some(path) = elastic.filter(|path| path.is_dir()) {
        measured.survey = Some(blocking(move || Survey::of(&path)).await?);
    }
    Ok(measured)
}
