//! The steps of a migration, one file each: what it will do, doing it, taking it back.
