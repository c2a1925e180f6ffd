//! The same project written in every way that YAML and compose allow is rewritten to the same project.

use super::{SourceFile, rewrite};
use crate::compose::model::Project;
use crate::compose::roles;
use crate::rewrite::sample::request;
use proptest::prelude::*;
use std::fmt::Write;

/// How a file is written.
#[derive(Debug, Clone)]
struct Style {
    indent: usize,
    lists_indented: bool,
    listed_environment: bool,
    long_mounts: bool,
    flow: [bool; 4],
    quote: &'static str,
    comments: bool,
    line_end: &'static str,
    last_line_end: bool,
}

fn styles() -> impl Strategy<Value = Style> {
    let quotes = prop_oneof![Just(""), Just("'"), Just("\"")];
    let ends = prop_oneof![Just("\n"), Just("\r\n")];
    (1_usize..6, any::<[bool; 4]>(), any::<[bool; 5]>(), quotes, ends).prop_map(
        |(indent, flow, flags, quote, line_end)| {
            let [lists_indented, listed_environment, long_mounts, comments, last_line_end] = flags;
            Style {
                indent,
                lists_indented,
                listed_environment,
                long_mounts,
                flow,
                quote,
                comments,
                line_end,
                last_line_end,
            }
        },
    )
}

struct Service {
    name: &'static str,
    image: &'static str,
    command: &'static str,
    environment: &'static [(&'static str, &'static str)],
    mounts: &'static [(&'static str, &'static str)],
    networks: &'static [&'static str],
}

const SERVICES: [Service; 5] = [
    Service {
        name: "apiserver",
        image: "allegroai/trains:latest",
        command: "apiserver",
        environment: &[
            ("TRAINS_REDIS_SERVICE_HOST", "redis"),
            ("TRAINS__apiserver__mongo__pre_populate__enabled", "on"),
            ("TRAINS_SERVER_DEPLOYMENT_TYPE", "${TRAINS_KIND:-linux}"),
        ],
        mounts: &[("/opt/trains/logs", "/var/log/trains"), ("/opt/trains/config", "/opt/trains/config")],
        networks: &["backend"],
    },
    Service {
        name: "elasticsearch",
        image: "elasticsearch:5.6.16",
        command: "",
        environment: &[
            ("script.inline", "yes"),
            ("cluster.name", "trains"),
            ("script.update", "yes"),
            ("thread_pool.bulk.size", "b2"),
        ],
        mounts: &[("/opt/trains/data/elastic", "/usr/share/elasticsearch/data")],
        networks: &["backend"],
    },
    Service {
        name: "fileserver",
        image: "allegroai/trains:latest",
        command: "fileserver",
        environment: &[],
        mounts: &[("/opt/trains/data/fileserver", "/mnt/fileserver")],
        networks: &["backend"],
    },
    Service {
        name: "webserver",
        image: "allegroai/trains:latest",
        command: "webserver",
        environment: &[],
        mounts: &[],
        networks: &[],
    },
    Service {
        name: "redis",
        image: "redis:5.0",
        command: "",
        environment: &[],
        mounts: &[("/opt/trains/data/redis", "/data")],
        networks: &["backend"],
    },
];

impl Style {
    fn write(&self) -> String {
        let mut out = String::from("services:\n");
        for service in &SERVICES {
            self.line(&mut out, 1, &format!("{}:", service.name));
            self.line(&mut out, 2, &format!("image: {0}{1}{0}", self.quote, service.image));
            if !service.command.is_empty() {
                self.line(&mut out, 2, &format!("command: [{}]", service.command));
            }
            if self.listed_environment {
                let items = service.environment.iter().map(|(name, value)| format!("{name}={value}"));
                self.list(&mut out, "environment", items.collect(), self.flow[0]);
            } else {
                self.map(&mut out, service.environment);
            }
            if self.long_mounts && !self.flow[1] {
                self.mounts(&mut out, service.mounts);
            } else {
                let items = service.mounts.iter().map(|(source, target)| format!("{source}:{target}"));
                self.list(&mut out, "volumes", items.collect(), self.flow[1]);
            }
            self.list(
                &mut out,
                "networks",
                service.networks.iter().map(|name| (*name).to_owned()).collect(),
                self.flow[2],
            );
        }
        if self.flow[3] {
            out.push_str("networks: {backend: {driver: bridge}}\n");
        } else {
            out.push_str("networks:\n");
            self.line(&mut out, 1, "backend:");
            self.line(&mut out, 2, "driver: bridge");
        }
        let text = if self.last_line_end { out } else { out.trim_end().to_owned() };
        text.replace('\n', self.line_end)
    }

    fn line(&self, out: &mut String, level: usize, text: &str) {
        let comment = if self.comments { "   # why: [this] {is} 'so'" } else { "" };
        writeln!(out, "{}{text}{comment}", " ".repeat(level * self.indent)).unwrap();
        if self.comments && level == 2 {
            writeln!(out, "{}# - not: this", " ".repeat(level * self.indent)).unwrap();
        }
    }

    fn quoted(&self, text: &str) -> String {
        let quote = if self.quote.is_empty() { "\"" } else { self.quote };
        format!("{quote}{text}{quote}")
    }

    fn list(&self, out: &mut String, key: &str, items: Vec<String>, flow: bool) {
        if items.is_empty() {
            return;
        }
        let items: Vec<String> = items.iter().map(|item| self.quoted(item)).collect();
        if flow {
            return self.line(out, 2, &format!("{key}: [{}]", items.join(", ")));
        }
        self.line(out, 2, &format!("{key}:"));
        items.iter().for_each(|item| self.line(out, 2 + usize::from(self.lists_indented), &format!("- {item}")));
    }

    fn map(&self, out: &mut String, entries: &[(&str, &str)]) {
        if entries.is_empty() {
            return;
        }
        let entries: Vec<String> =
            entries.iter().map(|(name, value)| format!("{name}: {}", self.quoted(value))).collect();
        if self.flow[0] {
            return self.line(out, 2, &format!("environment: {{{}}}", entries.join(", ")));
        }
        self.line(out, 2, "environment:");
        entries.iter().for_each(|entry| self.line(out, 3, entry));
    }

    fn mounts(&self, out: &mut String, mounts: &[(&str, &str)]) {
        if !mounts.is_empty() {
            self.line(out, 2, "volumes:");
        }
        for (source, target) in mounts {
            let level = 2 + usize::from(self.lists_indented);
            self.line(out, level, &format!("- {{type: bind, source: {source}, target: {}}}", self.quoted(target)));
        }
    }
}

fn rewritten(text: &str) -> String {
    let roles = roles::assign(&Project::from_yaml(text).unwrap()).unwrap();
    let request = request();
    let file = SourceFile { path: "/opt/trains/f.yml".into(), text: text.into() };
    let result = rewrite(&[file], &roles, &request);
    let mut result = result.unwrap_or_else(|error| panic!("{error} {:?}\n{text}", error.hints()));
    result.files.remove(0).new
}

fn plain() -> Style {
    Style {
        indent: 2,
        lists_indented: true,
        listed_environment: false,
        long_mounts: false,
        flow: [false; 4],
        quote: "",
        comments: false,
        line_end: "\n",
        last_line_end: true,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_way_of_writing_does_not_matter(style in styles()) {
        let text = style.write();
        let new = rewritten(&text);
        let wanted = Project::from_yaml(&rewritten(&plain().write())).unwrap();
        prop_assert_eq!(Project::from_yaml(&new).unwrap(), wanted, "{}\n{}", text, new);
        let comments = |text: &str| text.matches("# ").count();
        if style.comments {
            // Every comment survives but those on the lines of the three settings that go.
            prop_assert!(comments(&new) + 3 >= comments(&text), "{}\n{}", text, new);
        }
        prop_assert_eq!(new.contains('\r'), text.contains('\r'));
        prop_assert_eq!(new.matches('\r').count(), if text.contains('\r') { new.matches('\n').count() } else { 0 });
    }
}
