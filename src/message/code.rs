//! The codes of all that is told: one list, so that none is given twice. They are part of what programs rely on: a code
//! keeps its name and its meaning for ever.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident,)*) => {
        /// What something that is told is; in kebab case where it is written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Code {
            $($(#[$doc])* $code,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$code),*];
        }
    };
}

codes! {
    // What the checks find.
    /// The container that held data is gone.
    NothingToRescue,
    /// A service was scaled, and each container has data of its own.
    SeveralContainers,
    /// Data cannot be copied out with their owners.
    OwnersCannotBeKept,
    /// Data are kept in memory.
    DataInMemory,
    /// The project has no Elasticsearch.
    NoElasticsearch,
    /// The project has no MongoDB.
    NoMongo,
    /// The project has no API server.
    NoApiserver,
    /// A container that runs has a name that the new server needs.
    ContainerNameTaken,
    /// Experiments are in progress.
    ExperimentsInProgress,
    /// Agents are connected.
    AgentsConnected,
    /// Whether anything is in progress is not known.
    WorkUnknown,
    /// An index cannot be made as it was.
    MappingImpossible,
    /// An index has a field that the new Elasticsearch keeps for itself.
    ReservedField,
    /// A container does not stay up.
    ContainerFalls,
    /// It is not clear where data are.
    PlaceUnclear,
    /// Data would be lost with their container.
    DataWouldBeLost,
    /// Only a part of the data is mounted.
    DataPartlyMounted,
    /// Container and compose file name different places.
    PlacesDisagree,
    /// Services of the project that are not the server's are taken down, too.
    NeighboursTakenDown,
    /// One of them has data in a volume without a name.
    NeighbourVolume,
    /// A port that the new server needs is taken.
    PortTaken,
    /// A path is a symbolic link.
    SymbolicLink,
    /// There is something already where something is to be made.
    PathTaken,
    /// A data directory does not exist.
    DataMissing,
    /// A file system is mounted read-only.
    ReadOnly,
    /// A directory does not exist.
    PathMissing,
    /// This user may not read or write something.
    NotPermitted,
    /// The data are of an Elasticsearch before 5.
    ElasticsearchOlder,
    /// The server has left Elasticsearch 5 already.
    LaterServer,
    /// Two nodes have shared a data directory.
    SeveralNodes,
    /// A data directory is empty.
    DataEmpty,
    /// A directory holds no data of Elasticsearch.
    NoElasticsearchData,
    /// Data are in use.
    DataInUse,
    /// A container that is not the server's has the data.
    DataUsedByContainer,
    /// The server was said to be empty, and is not.
    NotEmpty,
    /// There is no index of the server.
    NoIndices,
    /// Whether events are missing is not known.
    EventsUnknown,
    /// Experiments have run, and have no events.
    EventsMissing,
    /// The server is taken for empty.
    TakenForEmpty,
    /// The machine has too little memory.
    MemoryTooSmall,
    /// The machine has less memory than is asked for.
    MemoryLow,
    /// A document is too long for the memory that is allowed.
    DocumentTooLong,
    /// The kernel allows too few mappings.
    MapCount,
    /// A disk has too little room.
    DiskSpace,
    /// A disk has room for too few files.
    DiskFiles,
    /// A disk has less room than is advised.
    DiskTight,
    /// Images cannot be pulled.
    ImagesUnavailable,
    /// Images are not there yet.
    ImagesMissing,
    /// Compose cannot be asked what the new files mean.
    FilesNotAsked,
    /// Compose does not accept the new files.
    FilesNotAccepted,
    /// Where a service would keep its data cannot be told.
    PlaceUnknown,
    /// A service would keep its data elsewhere.
    PlaceWrong,
    /// A service would lack a variable that was set in a shell.
    VariableUnset,
    /// A service would lack a variable under its new name.
    VariableLost,
    /// Paths are those of Windows.
    WindowsPaths,
    /// Data are closed to Elasticsearch.
    DataClosed,
    /// Among the indices lies something that is not migrated.
    ForeignEntry,
    /// Among the indices lies something that cannot be told.
    EntryUnclear,
    /// An index is not whole.
    IndexDamaged,
    /// There are more indices than the new Elasticsearch opens.
    TooManyIndices,
    /// There are more shards than a node with this memory can open.
    TooManyShards,
    /// MongoDB was not stopped cleanly.
    MongoUnclean,
    /// MongoDB's data cannot be read.
    MongoUnreadable,
    /// What was accepted has to be accepted again.
    AcceptanceOver,
    // What is told of the data.
    /// A field cannot be as it was.
    FieldChanged,
    /// Values of a field are kept, and searches do not find them.
    NotIndexed,
    /// They are another number than was foretold.
    NotAsForetold,
    /// Documents are refused for one of their fields.
    DocumentsRefused,
    /// Documents had a routing of their own, which was kept.
    RoutingKept,
    /// Documents were left out, as accepted.
    DocumentsLeftOut,
    /// Documents were turned into JSON.
    DocumentsConverted,
    /// Documents had a key twice.
    DocumentsRepaired,
    /// Documents were given a new id.
    DocumentsRenamed,
    /// Documents share their id.
    SharedIds,
    /// Indices are closed, and stay so.
    IndicesClosed,
    /// Indices are left behind.
    IndexLeftBehind,
    /// An index is there already.
    IndexThere,
    /// An index is no longer in the data.
    IndexGone,
    /// An index has several types.
    SeveralTypes,
    /// The data that are exported, or the export that is read, have something to be known.
    ExportWarning,
    // What happens on the way.
    /// The run stops at the next safe point.
    Stopping,
    /// A step is taken back.
    Undoing,
    /// The switch is taken back.
    SwitchTakenBack,
    /// Temporary containers may be left.
    ContainersLeft,
    /// A source has changed, so that something is done again.
    SourceChanged,
    /// The new server gets fresh copies.
    FreshCopies,
    /// A container did not stop in time.
    ContainerKilled,
    /// A container that is not needed did not stay up.
    ContainerEnded,
    /// Something could not be tested.
    NotTested,
    /// Experiments are not as many as there were, or have no events.
    ExperimentsDiffer,
    /// Data are read by a temporary Elasticsearch.
    ReadByNode,
    /// An option takes the place of an earlier one.
    ChoiceChanged,
    /// What an earlier run has copied is gone on with.
    GoesOn,
    /// What the new server has recorded is kept.
    RecordedKept,
    /// What was written into a file since is kept.
    EditsKept,
    /// A password goes over a network unencrypted.
    PasswordInTheClear,
    /// Something is waited for.
    Waiting,
    /// What was waited for is ready.
    Ready,
    /// The next export begins.
    Exporting,
    /// The copy of MongoDB's files is recovered by its own image.
    CopyRecovered,
    /// Documents are copied, and not compared.
    NotCompared,
    /// What a log has is known from this program alone.
    LogUnconfirmed,
    /// An export is complete.
    Exported,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_is_a_name_of_its_own_in_small_letters_and_is_read_back() {
        let mut names = BTreeSet::new();
        for code in Code::ALL {
            let name = serde_json::to_value(code).unwrap().as_str().unwrap().to_owned();
            let is_plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
            assert!(name.split('-').all(is_plain), "{name}");
            assert_eq!(serde_json::from_value::<Code>(name.clone().into()).unwrap(), *code);
            assert!(names.insert(name.clone()), "{name} is given twice");
        }
        insta::assert_snapshot!(names.into_iter().collect::<Vec<_>>().join("\n"));
    }
}
