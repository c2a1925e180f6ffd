//! What a server shows of its experiments, asked through its API; the methods that 0.15.1 and 1.1.1 share.

use super::node::Node;
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// A fixed user of the deployment's `apiserver.conf`, with an umlaut's worth of trouble in the password.
const USER: (&str, &str) = ("ivan", "пароль");
/// The published key of a user that every installation has while it has no fixed users.
const BUILT_IN: (&str, &str) = ("EGRTCO8JMSIGI6S39GTP43NFWXDQOW", "x!XTov_G-#vspE*Y(h$Anm&DIc5Ou-F)jsl$PdOyj5wG1&E!Z8");
const START_LIMIT: Duration = Duration::from_secs(240);
const EVENT_TYPES: [&str; 5] =
    ["log", "training_stats_scalar", "training_stats_vector", "plot", "training_debug_image"];

/// Blocking HTTP with JSON.
pub struct Http {
    base: String,
    client: reqwest::Client,
    runtime: Runtime,
}

impl Http {
    /// Returns a client of the server at `base`.
    pub fn new(base: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = reqwest::Client::builder().timeout(Duration::from_secs(60)).no_proxy().build().unwrap();
        Self { base: base.to_owned(), client, runtime }
    }

    fn send(&self, request: reqwest::RequestBuilder) -> Result<Value, String> {
        self.runtime.block_on(async {
            let response = request.send().await.map_err(|error| error.to_string())?;
            let status = response.status();
            let text = response.text().await.map_err(|error| error.to_string())?;
            let body = serde_json::from_str(&text).map_err(|error| format!("{status}, {error}: {text}"))?;
            if status.is_success() { Ok(body) } else { Err(format!("{status}: {text}")) }
        })
    }

    /// Returns the answer to a GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        let answer = self.send(self.client.get(format!("{}{path}", self.base)));
        answer.unwrap_or_else(|error| panic!("{}{path}: {error}", self.base))
    }

    /// Returns the answer to a POST; no body is sent for `null`.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Value {
        let request = self.client.post(format!("{}{path}", self.base));
        let request = if body.is_null() { request } else { request.json(body) };
        self.send(request).unwrap_or_else(|error| panic!("{}{path}: {error}", self.base))
    }

    /// Waits until the answer to a GET is as wanted.
    #[track_caller]
    pub fn wait(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.send(self.client.get(format!("{}{path}", self.base)));
            match answer {
                Ok(answer) if wanted(&answer) => return answer,
                other => assert!(begun.elapsed() < START_LIMIT, "{}{path} does not answer: {other:?}", self.base),
            }
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}

/// An API server on its published port, logged in.
pub struct Server {
    http: Http,
    login: (&'static str, &'static str),
}

impl Server {
    /// Waits until the server answers and its Elasticsearch has recovered its indices, which takes longer; requires that it
    /// is of this version.
    #[track_caller]
    pub fn ready(version: &str) -> Self {
        Node::ready();
        let http = Http::new("http://localhost:8008");
        http.wait("/auth.fixed_users_mode", |_| true);
        let info = http.wait("/server.info", |_| true);
        assert_eq!(info["data"]["version"], version, "{info}");
        Self { http, login: USER }
    }

    /// The same, of an installation whose configuration has no fixed users.
    pub fn without_fixed_users(self) -> Self {
        Self { login: BUILT_IN, ..self }
    }

    /// Calls a method and returns its data.
    #[track_caller]
    pub fn call(&self, method: &str, body: &Value) -> Value {
        self.call_raw(method, body.to_string())
    }

    #[track_caller]
    fn call_raw(&self, method: &str, body: String) -> Value {
        let request = self.http.client.post(format!("{}/{method}", self.http.base));
        let request =
            request.basic_auth(self.login.0, Some(self.login.1)).header("Content-Type", "application/json").body(body);
        let answer = self.http.send(request).unwrap_or_else(|error| panic!("{method}: {error}"));
        answer["data"].clone()
    }

    /// Sends events, one a line, and requires that all are taken.
    #[track_caller]
    pub fn add_events(&self, events: &[Value]) {
        let lines: String = events.iter().map(|event| format!("{event}\n")).collect();
        let answer = self.call_raw("events.add_batch", lines);
        assert_eq!(answer["added"], events.len(), "{answer}");
    }

    /// Returns the exact number of an experiment's events per type.
    pub fn totals(&self, task: &str) -> Value {
        let total = |kind: &str| {
            self.call("events.get_task_events", &json!({"task": task, "event_type": kind}))["total"].clone()
        };
        Value::Object(EVENT_TYPES.iter().map(|kind| ((*kind).to_owned(), total(kind))).collect())
    }

    /// Returns all events of one type, in no order that means anything.
    pub fn events(&self, task: &str, kind: &str) -> Vec<Value> {
        let first = json!({ "task": task, "event_type": kind, "batch_size": 2000 });
        in_no_order(self.pages("events.get_task_events", first, "events"))
    }

    /// Asks again and again until a page is empty.
    fn pages(&self, method: &str, first: Value, field: &str) -> Vec<Value> {
        let mut all = Vec::new();
        let mut answer = self.call(method, &first);
        loop {
            let page = answer[field].as_array().unwrap();
            if page.is_empty() {
                return all;
            }
            all.extend(page.iter().cloned());
            answer = self.call(method, &json!({ "scroll_id": answer["scroll_id"] }));
        }
    }

    /// Returns what users see of these experiments: the task, its console, scalars, plots and debug images.
    pub fn shown(&self, tasks: &[String]) -> Value {
        Value::Object(tasks.iter().map(|task| (task.clone(), self.shown_of(task))).collect::<Map<_, _>>())
    }

    fn shown_of(&self, task: &str) -> Value {
        let document = self.call("tasks.get_by_id", &json!({ "task": task }))["task"].clone();
        let lasting = ["id", "name", "project", "status", "created", "user", "type"];
        json!({
            "task": lasting.map(|field| document[field].clone()),
            "totals": self.totals(task),
            "console": self.console(task),
            "log": self.events(task, "log"),
            "scalars": self.call("events.scalar_metrics_iter_histogram", &json!({ "task": task })),
            "scalars by time":
                self.call("events.scalar_metrics_iter_histogram", &json!({ "task": task, "key": "iso_time", "samples": 50 })),
            "plots": in_no_order(self.pages("events.get_task_plots", json!({ "task": task, "iters": 3 }), "plots")),
            "images": self.images(task),
        })
    }

    /// The last lines. Which of those that share the oldest time belong to the page is left open, so these are left out.
    fn console(&self, task: &str) -> Vec<Value> {
        let page = self.call("events.get_task_log", &json!({ "task": task, "batch_size": 100 }));
        let events = page["events"].as_array().unwrap();
        let oldest = events.last().map(|event| event["timestamp"].clone());
        let newer = events.iter().filter(|event| Some(&event["timestamp"]) != oldest.as_ref());
        in_no_order(newer.cloned().collect())
    }

    fn images(&self, task: &str) -> Vec<Value> {
        let found = self.call("events.debug_images", &json!({ "metrics": [{ "task": task }], "iters": 3 }));
        let iterations = found["metrics"][0]["iterations"].as_array().unwrap().clone();
        iterations
            .into_iter()
            .map(|one| json!({ "iter": one["iter"], "events": in_no_order(one["events"].as_array().unwrap().clone()) }))
            .collect()
    }
}

/// Sorts by content: what shares a time stamp comes in any order.
fn in_no_order(mut values: Vec<Value>) -> Vec<Value> {
    values.sort_by_cached_key(|value| {
        let sorted: std::collections::BTreeMap<_, _> = value.as_object().into_iter().flatten().collect();
        serde_json::to_string(&sorted).unwrap()
    });
    values
}

/// Requires that two answers are equal, but for the last digits of computed numbers: the order of adding up differs.
#[track_caller]
pub fn assert_shows_the_same(before: &Value, now: &Value, who: &str) {
    if let Some(difference) = difference(before, now, "") {
        panic!("{who} does not show the same: {difference}");
    }
}

fn difference(left: &Value, right: &Value, path: &str) -> Option<String> {
    match (left, right) {
        (Value::Object(ones), Value::Object(others)) => {
            let mut names: Vec<_> = ones.keys().chain(others.keys()).collect();
            names.sort();
            names.dedup();
            names.into_iter().find_map(|name| match (ones.get(name), others.get(name)) {
                (Some(one), Some(other)) => difference(one, other, &format!("{path}/{name}")),
                (one, _) => Some(format!("{path}/{name} is only in the {}", if one.is_some() { "old" } else { "new" })),
            })
        }
        (Value::Array(ones), Value::Array(others)) if ones.len() == others.len() => {
            let pairs = ones.iter().zip(others).enumerate();
            pairs.into_iter().find_map(|(number, (one, other))| difference(one, other, &format!("{path}[{number}]")))
        }
        (Value::Array(ones), Value::Array(others)) => {
            Some(format!("{path} has {} entries and {}", ones.len(), others.len()))
        }
        (Value::Number(one), Value::Number(other)) if nearly(one.as_f64(), other.as_f64()) => None,
        _ if left == right => None,
        _ => Some(format!("{path} was {left} and is {right}")),
    }
}

fn nearly(one: Option<f64>, other: Option<f64>) -> bool {
    one.zip(other).is_some_and(|(one, other)| (one - other).abs() <= 1e-9 * one.abs().max(other.abs()))
}
