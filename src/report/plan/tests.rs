use super::*;
use crate::plan::sample;

#[test]
fn the_plan_of_a_stock_server() {
    insta::assert_snapshot!(plan_text(&sample::plan(), Paint::new(false), "docker clearml-migrate rollback"));
}

#[test]
fn a_home_that_stays_is_explained_and_steps_that_are_not_needed_are_not_listed() {
    let mut plan = sample::plan();
    plan.home.to = None;
    plan.home.reason = "it is a mount point".into();
    plan.archives.clear();
    plan.steps.retain(|step| !["back_up", "move_home"].contains(&step.id.as_str()));
    let text = plan_text(&plan, Paint::new(false), "docker clearml-migrate rollback");
    assert!(text.contains("(the directory keeps its name: it is a mount point)"), "{text}");
    assert!(!text.contains("Back up") && !text.contains("Move the home"), "{text}");
    assert!(text.contains("before step 7;"), "{text}");
}

#[test]
fn volumes_and_mount_points_stay_where_they_are() {
    let mut plan = sample::plan();
    plan.stores[0].places[0].placement = Placement::Stay;
    plan.stores[1].places[0].placement = Placement::Volume { key: "m_clearml".into(), name: "trains_m_clearml".into() };
    let text = retire_lines(&plan).join("\n");
    assert!(text.contains("/opt/trains/data/elastic stays where it is"), "{text}");
    assert!(text.contains("stays; the new server uses trains_m_clearml"), "{text}");
}

#[test]
fn that_documents_get_a_new_id_is_said_where_it_was_asked_for() {
    let mut plan = sample::plan();
    assert!(!elastic_lines(&plan, plan.elastic().unwrap()).join("\n").contains("_id"));
    plan.elastic_mut().unwrap().on_id_collision = OnIdCollision::PrefixType;
    let lines = elastic_lines(&plan, plan.elastic().unwrap()).join("\n");
    assert!(lines.contains("<type>-<_id>, listed in /opt/trains/.clearml-migrate/new-ids-2026-11-22"), "{lines}");
}

#[test]
fn passwords_are_not_shown() {
    let text = plan_text(&sample::plan(), Paint::new(false), "");
    assert!(text.contains("+CLEARML_AGENT_GIT_PASS=****") && !text.contains("hunter2"), "{text}");
}

#[test]
fn an_estimate_is_in_minutes() {
    assert_eq!([5, 91, 7_260].map(about), ["1 minute", "2 minutes", "2 h 01 min"]);
}

#[test]
fn that_most_was_deleted_is_said() {
    assert_eq!(size(24 << 20, Some(20 << 20)), "24 MiB");
    assert_eq!(size(24 << 20, Some(2 << 20)), "24 MiB, of which 2.0 MiB are not deleted");
    assert_eq!(size(24 << 20, None), "24 MiB");
}

#[test]
fn years_of_indices_are_a_short_list() {
    let names: Vec<String> = (1..=9).map(|month| format!("2020-0{month}")).collect();
    assert_eq!(short_list(&names), "2020-01, 2020-02, 2020-03, 2020-04 and 5 more");
    assert_eq!(short_list(&names[..2]), "2020-01, 2020-02");
}
