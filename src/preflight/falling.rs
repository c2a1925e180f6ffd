//! Containers of the old server that do not stay up: what is wrong with them is wrong before the migration.

use super::Subject;
use crate::deployment::Service;
use crate::docker::{Container, trouble};
use crate::error::Result;
use crate::findings::Finding;
use crate::message::{About, Code};
use crate::role::Role;

/// Lines of a log that are looked through.
const READ: usize = 200;
/// Lines of it that are told.
const SHOWN: usize = 3;

/// Refuses a container of the server's that ends and is started again and again, with its last words. The services agent
/// does so without credentials, and a neighbour is not ours: of these it is said only.
pub(super) async fn containers(subject: &Subject<'_>) -> Result<Vec<Finding>> {
    let Some(server) = subject.plan.server() else { return Ok(Vec::new()) };
    let mut findings = Vec::new();
    for service in &server.deployment.services {
        let Some(known) = &service.container else { continue };
        let Some(container) = subject.docker.container(&known.id).await? else { continue };
        if container.state.falls() {
            let lines = subject.docker.log_tail(&container.id, READ).await.unwrap_or_default();
            findings.push(finding(service, &container, &lines));
        }
    }
    Ok(findings)
}

fn finding(service: &Service, container: &Container, lines: &[String]) -> Finding {
    let name = &container.name;
    let words = match lines.is_empty() {
        true => "It has written nothing.".to_owned(),
        false => format!("It says: {}", trouble(lines, SHOWN).replace('\n', " | ")),
    };
    let what = format!("The container {name} does not stay up: it ends and is started again and again. {words}");
    match service.role {
        Role::AgentServices | Role::Other => Finding::warning(
            Code::ContainerFalls,
            what,
            format!("The migration goes on without it. See why it ends: docker logs --tail 50 {name}"),
        )
        .about(About::container(name)),
        _ => Finding::refusal(
            Code::ContainerFalls,
            what,
            format!(
                "What ends in the old server ends in the new one. Put its cause right first (docker logs --tail 50 {name}), or, if it may stay so, stop it: docker stop {name}"
            ),
        )
        .about(About::container(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::findings::Severity;
    use crate::plan::sample;

    #[test]
    fn a_container_in_a_restart_loop_is_refused_by_name_with_its_last_words() {
        let container = Container { name: "trains-mongo".into(), ..Container::default() };
        let lines = [
            "starting".to_owned(),
            "exception in initAndListen: DBPathInUse, terminating".to_owned(),
            "shutting down with code:100".to_owned(),
        ];
        let of = |role: Role| finding(&sample::service("any", role, &[]), &container, &lines);
        let mongo = of(Role::Mongo);
        assert_eq!(mongo.severity, Severity::Refusal);
        insta::assert_snapshot!(format!("{}\n{}", mongo.what, mongo.remedy), @r"
        The container trains-mongo does not stay up: it ends and is started again and again. It says: exception in initAndListen: DBPathInUse, terminating
        What ends in the old server ends in the new one. Put its cause right first (docker logs --tail 50 trains-mongo), or, if it may stay so, stop it: docker stop trains-mongo
        ");
        assert_eq!(of(Role::AgentServices).severity, Severity::Warning);
    }
}
