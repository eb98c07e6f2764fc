//! Threads for what takes longer than the net may wait: signatures, pages, reads from the shelf.
//! It does not know what it runs.

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use tokio::{sync::Semaphore, task::spawn_blocking};

/// The work was lost: it panicked, or the process is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a check was not finished")]
pub(super) struct Unfinished;

/// At most as many pieces of work at once as there are processors. Callers wait their turn, so
/// each of them bounds how many of its own wait.
#[derive(Debug, Clone)]
pub(super) struct Pool {
    places: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new() -> Self {
        let places = available_parallelism().map_or(1, NonZeroUsize::get);
        Self {
            places: Arc::new(Semaphore::new(places)),
        }
    }

    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let place = self.places.clone().acquire_owned().await;
        let place = place.map_err(|_closed| Unfinished)?;
        let run = spawn_blocking(move || {
            let done = work();
            drop(place);
            done
        });
        run.await.map_err(|_panicked| Unfinished)
    }
}
