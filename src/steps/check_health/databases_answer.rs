//! Whether the databases answer, so that an API server that ends does not end for want of them.

use crate::error::Result;
use crate::role::Role;
use crate::steps::Run;
use crate::steps::containers::container_of;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One that is well answers within milliseconds.
const LIMIT: Duration = Duration::from_secs(2);
const DATABASES: [(Role, u16); 3] = [(Role::Elasticsearch, 9200), (Role::Mongo, 27017), (Role::Redis, 6379)];

/// Returns whether each database of the server's answers at its usual port.
///
/// # Errors
/// Fails when docker does not answer, or a container is gone.
pub(super) async fn all(run: &Run) -> Result<bool> {
    for (role, port) in DATABASES {
        if run.server()?.deployment.service(role).is_none() {
            continue;
        }
        let container = container_of(run, role).await?;
        let address = if role == Role::Elasticsearch { container.elasticsearch() } else { container.address(port) };
        let Some(address) = address else { return Ok(false) };
        let answers = tokio::time::timeout(LIMIT, one(role, &address)).await;
        if !answers.is_ok_and(|answers| answers.unwrap_or(false)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How long a connection to MongoDB must last.
const LASTS: Duration = Duration::from_millis(500);

/// MongoDB listens when it has recovered, and says nothing unasked; docker's proxy, where nothing listens behind it, takes
/// the connection and closes it. Elasticsearch and Redis listen before, and say so: Redis with `-LOADING`.
async fn one(role: Role, address: &str) -> io::Result<bool> {
    let mut stream = TcpStream::connect(address).await?;
    let (question, answer): (&[u8], &[&[u8]]) = match role {
        Role::Elasticsearch => {
            (b"GET / HTTP/1.0\r\n\r\n", &[b"HTTP/1.0 200", b"HTTP/1.1 200", b"HTTP/1.0 401", b"HTTP/1.1 401"])
        }
        Role::Redis => (b"PING\r\n", &[b"+PONG", b"-NOAUTH"]),
        _ => return Ok(tokio::time::timeout(LASTS, stream.read_u8()).await.is_err()),
    };
    stream.write_all(question).await?;
    let mut said = [0; 16];
    let length = stream.read(&mut said).await?;
    Ok(answer.iter().any(|answer| said.get(..length).unwrap_or_default().starts_with(answer)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Says one thing to whoever asks.
    async fn saying(words: &'static [u8]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut question = [0; 64];
                let _ = stream.read(&mut question).await;
                let _ = stream.write_all(words).await;
            }
        });
        address
    }

    #[tokio::test]
    async fn a_connection_that_dockers_proxy_closes_is_no_answer_of_mongodb() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move { while listener.accept().await.is_ok() {} });
        assert!(!one(Role::Mongo, &address).await.unwrap());
    }

    #[tokio::test]
    async fn a_redis_that_is_loading_and_a_node_that_is_starting_do_not_answer_yet() {
        let cases: [(Role, &'static [u8], bool); 6] = [
            (Role::Redis, b"-LOADING Redis is loading the dataset in memory\r\n", false),
            (Role::Redis, b"-NOAUTH Authentication required.\r\n", true),
            (Role::Redis, b"+PONG\r\n", true),
            (Role::Elasticsearch, b"HTTP/1.0 503 Service Unavailable\r\n\r\n", false),
            (Role::Elasticsearch, b"HTTP/1.1 200 OK\r\n\r\n", true),
            (Role::Mongo, b"", true),
        ];
        for (role, words, expected) in cases {
            let address = saying(words).await;
            assert_eq!(one(role, &address).await.unwrap(), expected, "{role:?} {}", String::from_utf8_lossy(words));
        }
    }
}
