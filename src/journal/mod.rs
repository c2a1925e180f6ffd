//! What has happened: an append-only, checksummed, fsynced log from which a run continues or is undone.
