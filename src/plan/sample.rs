//! A plan for tests: of a stock Trains Server 0.15.1 in `/opt/trains`.

use super::{
    Archive, ElasticPlan, FileEdit, Heaps, HomeMove, Migrated, OnIdCollision, Placement, Plan, Reader, Replacement,
    ServerPlan, Store, Verification,
};
use crate::deployment::Experiments;
pub(crate) use crate::deployment::sample::{deployment, service};
use crate::docker::{ComposeChoice, Project};
use crate::role::Role;
use std::collections::BTreeMap;
use std::path::PathBuf;

const STAMP: &str = "2026-11-22_18-30-00";
const MIB: u64 = 1 << 20;

/// Returns the plan.
pub(crate) fn plan() -> Plan {
    let mut plan = Plan {
        run_id: format!("{STAMP}-1"),
        stamp: STAMP.into(),
        migrated: Migrated::Server(Box::new(ServerPlan {
            release: "1.1".into(),
            facts: crate::release::find("1.1").unwrap().facts(),
            deployment: deployment(),
            compose: ComposeChoice { version: "2.40.3".into(), ..ComposeChoice::default() },
            experiments: Experiments::Counted { all: 8, ran: 5 },
            edits: edits(),
            new_project: Project { name: "clearml".into(), directory: "/opt/clearml".into(), ..deployment().project },
            container_names: Vec::new(),
            new_redis: None,
        })),
        home: HomeMove {
            from: "/opt/trains".into(),
            to: Some("/opt/clearml".into()),
            reason: "it holds all the data".into(),
            wished: None,
        },
        stores: Store::of(replacements(), &elastic()),
        archives: archives(),
        rescues: Vec::new(),
        in_the_way: Vec::new(),
        steps: Vec::new(),
        images: ["allegroai/clearml:1.1.1", "docker.elastic.co/elasticsearch/elasticsearch:7.6.2", "mongo:3.6.23"]
            .map(str::to_owned)
            .into(),
        notes: vec![
            "mongo publishes MongoDB on port 27017 of this machine, without a password. Upstream stopped doing that; \
             it was left as you have it."
                .into(),
        ],
        estimate_seconds: 1_140,
    };
    plan.steps = plan.usual_steps();
    plan
}

/// Returns the plan of `elastic` for the data in `/nowhere/data/elastic`.
pub(crate) fn plan_of_directory() -> Plan {
    let path = |name: &str| PathBuf::from(format!("/nowhere/data/{name}"));
    let elastic = ElasticPlan {
        clone: path(".clearml-migrate-clone-elastic"),
        indices: vec!["events-log-d1bd".into()],
        left: vec![".monitoring-es-6".into()],
        live_bytes: None,
        ..elastic()
    };
    let replacement = Replacement {
        role: Role::Elasticsearch,
        mounted_at: Role::ELASTICSEARCH_DATA.into(),
        source: path("elastic"),
        target: path("elastic_7"),
        placement: Placement::Retire { retired: path(&format!("elastic_migrated_{STAMP}")) },
        bytes: 0,
    };
    let mut plan = Plan {
        migrated: Migrated::Elastic { version: "7.6.2".into() },
        home: HomeMove {
            from: "/nowhere/data".into(),
            to: None,
            reason: "only the data are migrated".into(),
            wished: None,
        },
        archives: vec![Archive {
            what: "Elasticsearch data".into(),
            source: path("elastic"),
            file: path("elastic_5.tar.gz"),
            bytes: 0,
        }],
        images: vec![elastic.target_image.clone()],
        stores: Store::of(vec![replacement], &elastic),
        notes: Vec::new(),
        estimate_seconds: 90,
        ..plan()
    };
    plan.steps = plan.usual_steps();
    plan
}

fn elastic() -> ElasticPlan {
    ElasticPlan {
        reader: Reader::Segments { fallback: true },
        verification: Verification::default(),
        on_id_collision: OnIdCollision::Refuse,
        source_image: "docker.elastic.co/elasticsearch/elasticsearch:5.6.16".into(),
        target_image: "docker.elastic.co/elasticsearch/elasticsearch:7.6.2".into(),
        clone: "/opt/trains/data/.clearml-migrate-clone-elastic".into(),
        heaps: Heaps { source: 0, target: 2_048 * MIB },
        indices: ["events-log-d1bd92a3", "events-plot-d1bd92a3", "worker_stats_d1bd92a3_2020-03"]
            .map(str::to_owned)
            .into(),
        left: vec![".monitoring-es-6-2020.07.01".into()],
        empty: false,
        warnings: Vec::new(),
        live_bytes: Some(4_608 * MIB),
        longest_document: None,
        templates: BTreeMap::new(),
    }
}

fn replacements() -> Vec<Replacement> {
    let path = |rest: &str| PathBuf::from(format!("/opt/trains/data/{rest}"));
    let retired = |rest: &str| path(&format!("{rest}_migrated_{STAMP}"));
    let swap = |role, mounted_at: &str, rest: &str, bytes| Replacement {
        role,
        mounted_at: mounted_at.into(),
        source: path(rest),
        target: path(&format!("{rest}.clearml-migrate-copy")),
        placement: Placement::Swap { retired: retired(rest) },
        bytes,
    };
    vec![
        Replacement {
            role: Role::Elasticsearch,
            mounted_at: "/usr/share/elasticsearch/data".into(),
            source: path("elastic"),
            target: path("elastic_7"),
            placement: Placement::Retire { retired: retired("elastic") },
            bytes: 5_120 * MIB,
        },
        swap(Role::Mongo, "/data/db", "mongo/db", 320 * MIB),
        swap(Role::Mongo, "/data/configdb", "mongo/configdb", 0),
        swap(Role::Redis, "/data", "redis", 2 * MIB),
    ]
}

fn archives() -> Vec<Archive> {
    let archive = |what: &str, source: &str, name: &str, bytes| Archive {
        what: what.into(),
        source: source.into(),
        file: format!("/opt/trains/.clearml-migrate/backup/{STAMP}/{name}.tar.gz").into(),
        bytes,
    };
    vec![
        archive("Elasticsearch data", "/opt/trains/data/elastic", "elastic", 5_120 * MIB),
        archive("configuration", "/opt/trains/config", "config", 312),
    ]
}

fn edits() -> Vec<FileEdit> {
    let edit = |name: &str, old: &str, new: &str| FileEdit {
        path: format!("/opt/trains/{name}").into(),
        old: old.into(),
        new: new.into(),
        kept_as: format!("/opt/trains/{name}_migrated_{STAMP}").into(),
    };
    vec![
        edit(
            "docker-compose.yml",
            "services:\n  elasticsearch:\n    image: docker.elastic.co/elasticsearch/elasticsearch:5.6.16\n",
            "services:\n  elasticsearch:\n    image: docker.elastic.co/elasticsearch/elasticsearch:7.6.2\n",
        ),
        edit(
            ".env",
            "TRAINS_HOST_IP=10.0.0.7\nTRAINS_AGENT_GIT_PASS=hunter2\n",
            "CLEARML_HOST_IP=10.0.0.7\nCLEARML_AGENT_GIT_PASS=hunter2\n",
        ),
    ]
}
