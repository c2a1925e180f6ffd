//! `export`: what data directories hold, without the servers that wrote them.

use super::Context;
use super::export_elastic::export_elastic;
use super::export_home::export_both;
use super::export_mongo::export_mongo;
use super::export_sources::{Sources, sources};
use super::export_tasks::export_tasks;
use super::session::settled;
use crate::error::{Error, Result};
use crate::message::{Code, Message};
use crate::settings::Export;

/// Writes what was asked for, or lists what there is.
///
/// # Errors
/// Refuses what is in use, damaged or unknown. Fails if something cannot be read or written.
pub async fn export(settings: Export, context: &Context) -> Result<()> {
    if let Some(log) = &settings.session.log_file {
        context.display.open_log(log)?;
    }
    let (sources, left_out) = sources(&settled(&settings.source))?;
    left_out.into_iter().for_each(|warning| context.events.warn(Message::new(Code::ExportWarning, warning)));
    match (sources, settings.tasks) {
        (Sources::Elastic(elastic) | Sources::Both { elastic, .. }, true) => {
            export_tasks(settings, elastic, context).await
        }
        (Sources::Mongo(mongo), true) => {
            Err(Error::usage(format!("{} is MongoDB's, and events are in Elasticsearch's data.", mongo.display()))
                .hint("Name a data directory of Elasticsearch: --source DIR")
                .hint("MongoDB has the tasks themselves: leave out --tasks-from-events."))
        }
        (Sources::Elastic(elastic), false) => export_elastic(settings, elastic, context).await,
        (Sources::Mongo(mongo), false) => export_mongo(settings, mongo, context).await,
        (Sources::Both { elastic, mongo }, false) => export_both(settings, elastic, mongo, context).await,
    }
}
