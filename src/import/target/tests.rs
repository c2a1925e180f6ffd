use super::*;
use crate::events::{Event, Sink};
use serde_json::json;
use std::sync::{Arc, Mutex};
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

struct Told(Arc<Mutex<Vec<String>>>);

impl Sink for Told {
    fn event(&self, event: &Event) {
        if let Event::Info(message) = event {
            self.0.lock().unwrap().push(message.text.clone());
        }
    }
}

fn told() -> (Events, Arc<Mutex<Vec<String>>>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    (Events::new(Told(Arc::clone(&told))), told)
}

async fn serve(server: &MockServer, at: &str, answers: Vec<ResponseTemplate>) {
    let last = answers.len();
    for (number, answer) in (1..).zip(answers) {
        let mock = Mock::given(path(at)).respond_with(answer);
        let mock = if number < last { mock.up_to_n_times(1) } else { mock };
        mock.with_priority(number as u8).mount(server).await;
    }
}

#[tokio::test]
async fn a_node_that_is_starting_is_waited_for() {
    let server = MockServer::start().await;
    let ok = |body| ResponseTemplate::new(200).set_body_json(body);
    let unready = json!({"error": {"type": "security_exception", "reason": "security index not ready"}, "status": 401});
    serve(
        &server,
        "/",
        vec![ResponseTemplate::new(401).set_body_json(unready.clone()), ok(json!({"version": {"number": "8.17.0"}}))],
    )
    .await;
    serve(&server, "/_nodes/_local", vec![ResponseTemplate::new(401).set_body_json(unready)]).await;
    let state = "/_cluster/state/version";
    serve(
        &server,
        state,
        vec![ResponseTemplate::new(503), ok(json!({"cluster_uuid": "_na_"})), ok(json!({"cluster_uuid": "c"}))],
    )
    .await;
    let (events, told) = told();
    let client = Client::new(&server.uri()).unwrap();
    let target = Target::open(client, &events, &CancellationToken::new()).await.unwrap();
    assert_eq!((target.version.major, target.cluster.as_str()), (8, "c"));
    let told = told.lock().unwrap().join("\n").replace(&server.uri(), "NODE");
    let waiting = "Waiting up to 120 seconds for Elasticsearch at NODE, which seems to be starting: security_exception: security \
                   index not ready (HTTP status 401)\nElasticsearch at NODE was ready after ";
    assert!(told.starts_with(waiting), "{told}");
}

#[tokio::test]
async fn what_never_starts_ends_with_how_long_it_was_waited_for() {
    // Nobody listens at a port that was free a moment ago.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::new(&format!("http://{address}")).unwrap();
    let (events, told) = told();
    let error = Target::open_within(client, Duration::from_millis(300), &events).await.unwrap_err();
    let message = error.message().replace(&address.to_string(), "NODE");
    assert!(message.starts_with("Elasticsearch at http://NODE was not ready within "), "{message}");
    let told = told.lock().unwrap().concat();
    assert!(told.ends_with("which seems to be starting: nothing listens there yet"), "{told}");
}

#[tokio::test]
async fn a_connection_that_dockers_proxy_closes_is_waited_for() {
    for reset in [false, true] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = Client::new(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                // What is closed with something unread is reset.
                if !reset {
                    let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024]).await;
                }
            }
        });
        let (events, told) = told();
        let error = Target::open_within(client, Duration::from_millis(50), &events).await.unwrap_err();
        assert!(error.message().contains("was not ready within"), "{error:?}");
        assert!(told.lock().unwrap().concat().contains("closed without an answer"));
    }
}

/// Closes the connection of whoever does not greet with TLS, as Elasticsearch does.
#[tokio::test]
async fn a_node_that_speaks_only_tls_is_told_at_once() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut asked = [0; 512];
            if stream.read(&mut asked).await.is_ok() && asked[0] == 22 {
                stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).await.unwrap();
            }
        }
    });
    let (events, told) = told();
    let client = Client::new(&format!("http://{address}")).unwrap();
    let error = Target::open_within(client, STARTS_WITHIN, &events).await.unwrap_err();
    let said = format!("{}\n{}", error.message(), error.hints().join("\n"));
    insta::assert_snapshot!(said.replace(&address.port().to_string(), "PORT"), @r"
    What listens at http://127.0.0.1:PORT speaks only TLS, and this program has none.
    Let something else on this machine speak it: socat TCP-LISTEN:9201,bind=127.0.0.1,fork OPENSSL:127.0.0.1:PORT,cafile=CA.crt
    Then: --target http://127.0.0.1:9201
    ");
    assert!(told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_wait_that_ends_for_another_reason_tells_how_long_it_was() {
    let server = MockServer::start().await;
    for at in ["/", "/_nodes/_local"] {
        serve(&server, at, vec![ResponseTemplate::new(503), ResponseTemplate::new(500)]).await;
    }
    let client = Client::new(&server.uri()).unwrap();
    let error = Target::open_within(client, STARTS_WITHIN, &Events::silent()).await.unwrap_err();
    let told = error.message();
    assert!(told.contains(" was waited for ") && told.ends_with(", and then did not answer as it should."), "{told}");
    assert!(!told.contains("min") && !told.contains("120"), "{told}");
}

#[tokio::test]
async fn what_will_not_change_is_not_waited_for() {
    let server = MockServer::start().await;
    let wrong = json!({"error": {"type": "security_exception", "reason": "unable to authenticate user [elastic]"}, "status": 401});
    serve(&server, "/", vec![ResponseTemplate::new(401).set_body_json(wrong.clone())]).await;
    serve(&server, "/_nodes/_local", vec![ResponseTemplate::new(401).set_body_json(wrong)]).await;
    let (events, told) = told();
    let refused = Target::open(Client::new(&server.uri()).unwrap(), &events, &CancellationToken::new()).await;
    assert!(refused.unwrap_err().message().ends_with("does not let this user in."));
    assert!(told.lock().unwrap().is_empty());
}
