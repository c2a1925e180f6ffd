//! Decides what will read the old Elasticsearch data.

use crate::error::{Error, Result};
use crate::plan::{OnIdCollision, Reader};
use crate::settings::ReaderChoice;

/// Returns the reader. `refusal` is why the files cannot be read by this program, if it found that out already. Only
/// they tell in time which documents share their `_id`, so that no node takes over where these are kept.
///
/// # Errors
/// Refuses files that cannot be read where nothing else is wished.
pub(super) fn choose(wish: ReaderChoice, collisions: OnIdCollision, refusal: Option<&Error>) -> Result<Reader> {
    let keeps = collisions == OnIdCollision::PrefixType;
    let wish = if keeps && wish == ReaderChoice::Auto { ReaderChoice::Segments } else { wish };
    match (wish, refusal) {
        (ReaderChoice::Scroll, _) => Ok(Reader::Scroll { asked: true, why: "--reader scroll was given".to_owned() }),
        (ReaderChoice::Segments, None) => Ok(Reader::Segments { fallback: false }),
        (ReaderChoice::Auto, None) => Ok(Reader::Segments { fallback: true }),
        (ReaderChoice::Auto, Some(refusal)) => Ok(Reader::Scroll { asked: false, why: refusal.phrase() }),
        (ReaderChoice::Segments, Some(refusal)) => {
            Err(Error::refused("The files of the old Elasticsearch data cannot be read without Elasticsearch.")
                .because(anyhow::Error::msg(refusal.phrase()))
                .hint(match keeps {
                    true => {
                        "Let a temporary Elasticsearch 5.6 read them: --reader scroll in place of --on-id-collision"
                    }
                    false => "Let a temporary Elasticsearch 5.6 read them: --reader scroll",
                }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_unless_they_cannot_be_or_something_else_is_wished() {
        let refusal = Error::refused("/x/_0.si is of an unknown kind.").because(anyhow::Error::msg("its codec is new"));
        let why = |asked, why: &str| Reader::Scroll { asked, why: why.into() };
        let choose = |wish, refusal| choose(wish, OnIdCollision::Refuse, refusal);
        assert_eq!(choose(ReaderChoice::Auto, None).unwrap(), Reader::Segments { fallback: true });
        assert_eq!(choose(ReaderChoice::Segments, None).unwrap(), Reader::Segments { fallback: false });
        let told = why(false, "/x/_0.si is of an unknown kind (its codec is new)");
        assert_eq!(choose(ReaderChoice::Auto, Some(&refusal)).unwrap(), told);
        for refusal in [None, Some(&refusal)] {
            assert_eq!(choose(ReaderChoice::Scroll, refusal).unwrap(), why(true, "--reader scroll was given"));
        }
        let error = choose(ReaderChoice::Segments, Some(&refusal)).unwrap_err();
        assert!(error.hints()[0].contains("--reader scroll"), "{error:?}");
    }

    #[test]
    fn no_node_takes_over_where_documents_of_one_id_are_kept() {
        let choose = |refusal| choose(ReaderChoice::Auto, OnIdCollision::PrefixType, refusal);
        assert_eq!(choose(None).unwrap(), Reader::Segments { fallback: false });
        let error = choose(Some(&Error::refused("/x/_0.si is of an unknown kind."))).unwrap_err();
        assert!(error.hints()[0].ends_with("--reader scroll in place of --on-id-collision"), "{error:?}");
    }
}
