//! Finds the old server, measures it, builds the plan and checks it: all that happens before anything is changed.

use super::Context;
use super::session::{Tools, settled_home, stamp_now};
use crate::deployment::{Deployment, Experiments, Search, Service, find, lost_with_down};
use crate::docker::{Container, ProjectArgs};
use crate::elastic::Survey;
use crate::error::Result;
use crate::files::blocking;
use crate::files::space::{self, TreeSize};
use crate::findings::{Finding, Severity};
use crate::plan::{Plan, Rescue};
use crate::planner::{self, Measured, PlanOptions};
use crate::preflight::{self, Subject};
use crate::release;
use crate::role::Role;
use crate::settings::{Copying, DEFAULT_RELEASE, NewHome, Server, Session};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A plan with what the checks found.
pub(super) struct Prepared {
    pub plan: Plan,
    pub findings: Vec<Finding>,
}

impl Prepared {
    /// Returns a plan with what was found, worst first; what the report says again is kept in the plan.
    pub fn new(mut plan: Plan, mut findings: Vec<Finding>) -> Self {
        findings.sort_by_key(|finding| finding.severity);
        if let Some(elastic) = plan.elastic_mut() {
            elastic.warnings = preflight::lasting(&findings);
        }
        Self { plan, findings }
    }
}

/// Finds, measures, plans and checks. Reads only.
///
/// # Errors
/// Refused when there is no server or several; failed when something cannot be read.
pub(super) async fn prepare(
    session: &Session,
    server: &Server,
    copying: &Copying,
    tools: &Tools,
    journals: Vec<ProjectArgs>,
    context: &Context,
) -> Result<Prepared> {
    let search = search(session, journals);
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
    let rescues = match server.rescue {
        true => rescues(&mut deployment, tools, &stamp, context).await?,
        false => Vec::new(),
    };
    let containers = tools.docker.project_containers(&deployment.project.name).await?;
    let mut lost = preflight::unsafe_storage(&deployment, &containers);
    if !lost.is_empty() {
        let can_be_rescued =
            lost_with_down(&deployment).len() == lost.len() && !preflight::any_in_memory(&deployment, &containers);
        let rescue = session.command("--rescue --dry-run");
        lost.iter_mut().filter(|_| can_be_rescued).for_each(|one| {
            one.remedy.push_str(&format!("\nOr let this program copy them out, and keep the container: {rescue}"))
        });
        return Err(refuse_at_once(&lost, context));
    }
    let measured = measure(&deployment, rescues, tools, context).await?;
    if let Some(left) = preflight::has_left(&deployment, measured.survey.as_ref()) {
        return Err(refuse_at_once(&[left], context));
    }
    let options = PlanOptions {
        release: server.release.map_or_else(|| release::find(DEFAULT_RELEASE), Ok)?,
        new_home: match &server.new_home {
            NewHome::At(path) => Some(settled_home(path)?),
            NewHome::Usual | NewHome::Keep => None,
        },
        keep_home: server.new_home == NewHome::Keep,
    };
    let run_id = format!("{stamp}-{}", std::process::id());
    let subject = planner::Subject::Server(Box::new(deployment), &options);
    let mut plan = planner::build(subject, copying, &measured, &stamp, &run_id)?;
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
        may_run: true,
        cancel: &context.cancel,
    };
    let (compose, cancel) = (tools.compose()?, &context.cancel);
    let afterwards = async {
        let texts = planner::in_place(&plan)?;
        preflight::would_find_its_data(&plan, &texts, compose, &tools.docker, cancel).await
    };
    let (found, afterwards) = tokio::join!(preflight::run(&subject), afterwards);
    let mut findings = found?;
    findings.extend(afterwards?);
    Ok(Prepared::new(plan, findings))
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

/// Measures a directory. A server that runs changes its files while they are counted: then its size is not known, and not
/// needed.
pub(super) async fn size(path: &Path, context: &Context) -> Option<(PathBuf, TreeSize)> {
    let (root, cancel) = (path.to_owned(), context.cancel.clone());
    let size = blocking(move || space::measure(&root, &cancel)).await.ok()?;
    Some((path.to_owned(), size))
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
        measured.sizes.extend(size(&path, context).await);
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
