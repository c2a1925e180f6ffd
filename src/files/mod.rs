//! The file system: the one seam through which anything is written, cloned, archived, renamed or removed.
