//! The address of an Elasticsearch that is given, with user and password where it asks for them.

use crate::error::{Error, Result};
use crate::import::way_around_tls;
use reqwest::Url;
use std::fmt;

/// An HTTP address. Shown without the password.
#[derive(Clone, PartialEq, Eq)]
pub struct NodeAddress(Url);

/// Who Elasticsearch's first user is, for a password without a name.
const FIRST_USER: &str = "elastic";

impl NodeAddress {
    /// The variable that may hold the password.
    pub const PASSWORD: &str = "CLEARML_MIGRATE_PASSWORD";

    /// Reads an address such as `http://127.0.0.1:9200` or `http://elastic@host:9200`; a password that is given besides
    /// counts where none is in it.
    ///
    /// # Errors
    /// A usage error for what is no such address, and for one with TLS.
    pub fn parse(text: &str, password: Option<&str>) -> Result<Self> {
        // What is no address is not repeated: there may be a password in it.
        let none = || {
            Error::usage("What --target names is not the HTTP address of an Elasticsearch.")
                .hint("It looks like http://127.0.0.1:9200; with a user: http://USER@HOST:9200")
        };
        let mut url = Url::parse(text).map_err(|cause| none().because(cause))?;
        let host = url.host_str().unwrap_or_default().to_owned();
        match url.scheme() {
            "http" if !host.is_empty() => {}
            "https" => return Err(with_tls(&host, url.port().unwrap_or(9200))),
            _ => return Err(none()),
        }
        if let (Some(password), None) = (password, url.password()) {
            if url.username().is_empty() {
                url.set_username(FIRST_USER).map_err(|()| none())?;
            }
            url.set_password(Some(password)).map_err(|()| none())?;
        }
        Ok(Self(url))
    }

    /// Returns the whole address, for whoever connects.
    pub fn with_password(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the host, if a password is sent to it over a network.
    pub fn exposes_password_to(&self) -> Option<&str> {
        let host = self.0.host_str()?;
        let here = host == "localhost" || host == "[::1]" || host.starts_with("127.");
        (self.0.password().is_some() && !here).then_some(host)
    }
}

impl fmt::Display for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = self.0.clone();
        // Every HTTP address has a place for a password.
        let _ = shown.set_password(None);
        f.write_str(shown.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for NodeAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn with_tls(host: &str, port: u16) -> Error {
    let error = Error::usage("This program has no TLS: --target takes http:// addresses only.");
    way_around_tls(host, port).into_iter().fold(error, Error::hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_sent_and_not_shown() {
        let address = NodeAddress::parse("http://ann:se%2Fcret@es:9200/", None).unwrap();
        assert_eq!(address.with_password(), "http://ann:se%2Fcret@es:9200/");
        assert_eq!(
            (address.to_string(), format!("{address:?}")),
            ("http://ann@es:9200".into(), "http://ann@es:9200".into())
        );
        assert_eq!(address.exposes_password_to(), Some("es"));
    }

    #[test]
    fn a_password_of_the_environment_is_the_user_s_or_the_first_one_s() {
        let parse = |text: &str| NodeAddress::parse(text, Some("p@ss")).unwrap().with_password().to_owned();
        assert_eq!(parse("http://ann@127.0.0.1:9200"), "http://ann:p%40ss@127.0.0.1:9200/");
        assert_eq!(parse("http://localhost:9200/es"), "http://elastic:p%40ss@localhost:9200/es");
        assert_eq!(parse("http://ann:own@localhost"), "http://ann:own@localhost/");
        for here in ["http://localhost:9200", "http://127.0.0.1:9200", "http://[::1]:9200"] {
            assert_eq!(NodeAddress::parse(here, Some("x")).unwrap().exposes_password_to(), None, "{here}");
        }
        assert_eq!(NodeAddress::parse("http://es:9200", None).unwrap().exposes_password_to(), None);
    }

    #[test]
    fn what_is_no_http_address_is_a_mistake_and_not_repeated() {
        for text in ["es:9200", "ftp://ann:secret@es", "/data", "http://", "ann:secret@es:9200"] {
            let error = NodeAddress::parse(text, None).unwrap_err();
            assert_eq!(error.kind(), crate::error::Kind::Usage, "{text}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
        let error = NodeAddress::parse("https://es.example", None).unwrap_err();
        assert!(
            error.message().contains("no TLS") && error.hints()[0].contains("OPENSSL:es.example:9200"),
            "{error:?}"
        );
    }
}
