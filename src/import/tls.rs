//! Whether a node that answers nothing over HTTP speaks TLS: it is greeted as a client of TLS greets it.
//!
//! Source of the bytes: RFC 5246, sections 6.2.1 (records), 7.2 (alerts), 7.4.1.2 (the greeting).

use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What speaks TLS answers its greeting at once.
const WITHIN: Duration = Duration::from_secs(2);
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
/// TLS 1.2, as it is written in records and greetings.
const VERSION: [u8; 2] = [3, 3];
/// TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 and TLS_RSA_WITH_AES_128_CBC_SHA. Whoever wants others says so in an alert.
const CIPHERS: [u8; 4] = [0xc0, 0x2f, 0x00, 0x2f];

/// Returns what to do about a node that speaks only TLS: no library for it is built in, as each would need a C compiler, and
/// a server's own Elasticsearch has none.
pub fn way_around_tls(host: &str, port: u16) -> [String; 2] {
    [
        format!(
            "Let something else on this machine speak it: \
             socat TCP-LISTEN:9201,bind=127.0.0.1,fork OPENSSL:{host}:{port},cafile=CA.crt"
        ),
        "Then: --target http://127.0.0.1:9201".to_owned(),
    ]
}

/// Returns whether the node at a host and port answers a greeting of TLS, be it with a refusal.
pub(super) async fn speaks_tls(host: &str, port: u16) -> bool {
    let asked = async {
        let mut stream = TcpStream::connect((host, port)).await?;
        stream.write_all(&greeting()).await?;
        let mut start = [0; 2];
        stream.read_exact(&mut start).await?;
        std::io::Result::Ok(matches!(start, [ALERT | HANDSHAKE, 3]))
    };
    matches!(tokio::time::timeout(WITHIN, asked).await, Ok(Ok(true)))
}

/// A greeting without extensions, in one record. Its random part need not be random: nothing comes of it.
fn greeting() -> Vec<u8> {
    let ciphers = [&[0, 4], &CIPHERS[..]].concat();
    let no_compression = [1, 0];
    let body = [&VERSION[..], &[0; 32], &[0], &ciphers, &no_compression].concat();
    let hello = prefixed(&[1, 0], &body);
    prefixed(&[HANDSHAKE, 3, 1], &hello)
}

/// A part with its kind and its length, of two bytes, before it. No part here is longer than 100 bytes.
fn prefixed(head: &[u8], body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes();
    [head, &length, body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    /// Answers whoever greets with TLS, and closes the connection of everybody else.
    async fn answering(answer: &'static [u8]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut asked = [0; 5];
                if stream.read_exact(&mut asked).await.is_ok() && asked[..3] == [HANDSHAKE, 3, 1] {
                    let mut rest = vec![0; usize::from(u16::from_be_bytes([asked[3], asked[4]]))];
                    stream.read_exact(&mut rest).await.unwrap();
                    stream.write_all(answer).await.unwrap();
                }
            }
        });
        port
    }

    #[tokio::test]
    async fn an_alert_or_a_handshake_is_of_one_that_speaks_tls_and_nothing_else_is() {
        for (answer, speaks) in [
            (&[ALERT, 3, 3, 0, 2, 2, 40][..], true),
            (&[HANDSHAKE, 3, 3, 0, 4, 14, 0, 0, 0], true),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n", false),
            (&[], false),
        ] {
            assert_eq!(speaks_tls("127.0.0.1", answering(answer).await).await, speaks, "{answer:?}");
        }
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        assert!(!speaks_tls("127.0.0.1", free).await);
    }
}
