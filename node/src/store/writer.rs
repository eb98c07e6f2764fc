//! The writer thread: takes one closed batch at a time, syncs it, and reports. It decides nothing,
//! and after the first failure nothing more leaves this process.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::Sender;

use super::{Appender, BatchName, Delta, StoreError};
use crate::crash;

/// How long one batch is offered to a database that is behind. A stall that lasts longer is no
/// stall; partners' questions are sent again for as long.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long after the last batch the head file is synced.
const HEAD_SYNC_AFTER: Duration = Duration::from_millis(500);
/// One batch flies at a time, so neither channel is ever full for long.
const FLYING_MAX: usize = 1;

/// A batch is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Which one.
    pub batch: BatchName,
}

/// What ends the process. A product build aborts; a test may look on.
pub type Halt = fn(&StoreError) -> !;

/// Says why on the standard error, whatever became of the log, and ends the process at once:
/// nothing is closed, flushed or answered.
pub fn abort_process(error: &StoreError) -> ! {
    tracing::error!(%error, "the ledger can't be kept: the process ends");
    // If even this can't be written there is nobody left to tell.
    drop(writeln!(
        std::io::stderr(),
        "omni: the ledger can't be kept, so this process ends now: {error}"
    ));
    std::process::abort()
}

/// The loop's end of the thread.
#[derive(Debug)]
pub struct Writer {
    batches: Option<SyncSender<Arc<Delta>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread. It reports each synced batch to `reports` and calls `halt` on the first
    /// failure.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the system gives no thread.
    pub fn start(
        appender: Appender,
        reports: Sender<Report>,
        halt: Halt,
    ) -> Result<Self, StoreError> {
        let (batches, closed) = sync_channel(FLYING_MAX);
        let home = appender.home().to_owned();
        let thread = std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || run(appender, &closed, &reports, halt))
            .map_err(|error| StoreError::io("start the writer of", &home, error))?;
        Ok(Self {
            batches: Some(batches),
            thread: Some(thread),
        })
    }

    /// Hands over a batch. The caller waits for its [`Report`] before it hands over the next, so
    /// this never blocks.
    ///
    /// # Errors
    /// [`WriterGone`] when the thread has ended, which only a test can see.
    pub fn hand_over(&self, batch: Arc<Delta>) -> Result<(), WriterGone> {
        crash::point("batch-handed-over");
        let batches = self.batches.as_ref().ok_or(WriterGone)?;
        batches.try_send(batch).map_err(|_full_or_gone| WriterGone)
    }
}

/// The writer took no batch: it ended, or it still has the one before.
#[derive(Debug, thiserror::Error)]
#[error("the writer thread takes no batch")]
pub struct WriterGone;

impl Drop for Writer {
    /// Waits until the batch under way is synced.
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the writer thread had ended before");
        }
    }
}

fn run(
    mut appender: Appender,
    closed: &Receiver<Arc<Delta>>,
    reports: &Sender<Report>,
    halt: Halt,
) {
    loop {
        match closed.recv_timeout(HEAD_SYNC_AFTER) {
            Ok(batch) => {
                let name = match appender.append_within(&batch, PATIENCE) {
                    Ok(name) => name,
                    Err(error) => halt(&error),
                };
                // The layer above drops its own handle when it hears of it; ours must not outlive that.
                drop(batch);
                if reports.blocking_send(Report { batch: name }).is_err() {
                    return; // The loop has ended; what it handed over is synced.
                }
                crash::point("batch-after-report");
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = appender.sync_head() {
                    halt(&error);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}
