//! Threads for what takes longer than the net may wait: signatures, pages, reads from the shelf.
//! It does not know what it runs.

use std::{num::NonZeroUsize, sync::Arc, thread::available_parallelism};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    task::spawn_blocking,
};

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

    /// Does the work, and answers with what it gave.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unfinished> {
        let (done, result) = oneshot::channel();
        // Whoever asked may have gone.
        self.start(move || drop(done.send(work())));
        result.await.map_err(|_lost| Unfinished)
    }

    /// Has the work done, which says itself what came of it: at once where a place is free, since a
    /// task that waits for one wakes two threads more.
    pub(super) fn start(&self, work: impl FnOnce() + Send + 'static) {
        if let Ok(place) = self.places.clone().try_acquire_owned() {
            return begin(place, work);
        }
        let places = self.places.clone();
        tokio::spawn(async move {
            if let Ok(place) = places.acquire_owned().await {
                begin(place, work);
            }
        });
    }
}

fn begin(place: OwnedSemaphorePermit, work: impl FnOnce() + Send + 'static) {
    drop(spawn_blocking(move || {
        work();
        drop(place);
    }));
}
