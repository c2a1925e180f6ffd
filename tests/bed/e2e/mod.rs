//! The parts with real servers, and whole migrations.
//!
//! | module | subject |
//! |---|---|
//! | [`bench`] | the benchmark works |
//! | [`compose_v1`] | servers that docker-compose 1.x brought up |
//! | [`docker`] | the docker seam against a real daemon |
//! | [`early_releases`] | Trains 0.10 and 0.11 |
//! | [`elastic_command`] | `elastic` and `verify` on real data |
//! | [`equality`] | the readers of Elasticsearch's files against living nodes |
//! | [`failed_start`] | a new server that starts and cannot work |
//! | [`find`] | finding the server among real compose projects |
//! | [`golden_machines`] | machines as an earlier program has left them |
//! | [`import_nodes`] | `import` into real nodes |
//! | [`mongo_files`] | MongoDB's files on their way to release 1.1 |
//! | [`odd_values`] | values that newer versions do not take |
//! | [`places`] | where the data really are |
//! | [`readers`] | both readers of old data against each other |
//! | [`refusals`] | what must be refused, and changes nothing |
//! | [`renamed_stacks`] | services with other names, beside another application |
//! | [`rescue`] | a server that keeps its data in its containers |
//! | [`rough_edges`] | signals, full disks, huge documents, indices of every kind |
//! | [`stand_ins`] | the stand-in for MongoDB |
//! | [`there_and_back`] | one whole migration: seen before, moved, used, taken back, moved again |
//! | [`two_nodes`] | the copy between two nodes |
//! | [`wiredtiger_engine`] | the reader of MongoDB's files against the engine |

mod bench;
mod compose_v1;
mod docker;
mod early_releases;
mod elastic_command;
mod equality;
mod failed_start;
mod find;
mod golden_machines;
mod import_nodes;
mod mongo_files;
mod odd_values;
mod places;
mod readers;
mod refusals;
mod renamed_stacks;
mod rescue;
mod rough_edges;
mod stand_ins;
mod there_and_back;
mod two_nodes;
mod wiredtiger_engine;
