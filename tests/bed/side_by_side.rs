//! Work that does not get into its own way, two pieces at a time: there are two processors, and a server that starts waits
//! a lot.

use std::sync::Mutex;

/// Does each piece of work, two at once.
pub fn two_at_once<T: Send>(work: impl IntoIterator<Item = T>, each: impl Fn(T) + Sync) {
    let work = Mutex::new(work.into_iter().collect::<Vec<T>>());
    std::thread::scope(|threads| {
        for _ in 0..2 {
            threads.spawn(|| {
                loop {
                    let Some(next) = work.lock().unwrap().pop() else { return };
                    each(next);
                }
            });
        }
    });
}
