//! Where the process of a service keeps its data, as it is told: by its command, its environment and the configuration
//! files that are mounted. Each store has rules of its own.

mod ask;
mod elasticsearch;
mod files;
mod fileserver;
mod mongo;
mod place;
mod process;
mod redis;
mod settle;
mod told;
mod yaml;

pub use files::{Read, Reader, mounted};
pub use place::{Place, Unclear};
pub use process::Process;
pub use settle::{Doubt, Seen, Settled, settle};
pub(super) use told::all;
pub use told::told;
