//! How both databases are opened, read and written: every setting of `RocksDB` that this project
//! relies on, and no other call sites.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, DBCompressionType, DBRecoveryMode, Options, ReadOptions, WriteOptions,
};

use super::StoreError;
use crate::crash;

/// Bytes of writes kept in memory before they become a sorted file. Small, since start-up reads
/// the log of what was not yet sorted, twice (see `ledger.rs`).
const LEDGER_WRITE_BUFFER_BYTES: usize = 16 << 20;
/// The market takes whole catalogues at once and has nothing to lose.
const MARKET_WRITE_BUFFER_BYTES: usize = 32 << 20;
/// Cache of decoded blocks, for each database.
const BLOCK_CACHE_BYTES: usize = 32 << 20;
/// Of the bytes of what is not sorted yet, for a filter over its keys: most slots that are looked up
/// when a record comes are empty, and 30 bits a key say so at once.
const MARKET_FILTER_SHARE: f64 = 0.02;
/// One false positive in a hundred lookups of what is absent (`RocksDB` wiki, Bloom filters).
const BLOOM_BITS_PER_KEY: f64 = 10.0;
/// Share of the write buffer that tells which keys are not in it: most of what the core looks for is
/// new, and so is nowhere.
const LEDGER_BUFFER_BLOOM: f64 = 0.02;
/// Levels of sorted files, as many as `RocksDB` makes.
const LEVELS: usize = 7;
/// Descriptors that one database may hold open.
const OPEN_FILES_MAX: i32 = 256;
/// Files of `RocksDB`'s own diary, and their size.
const DIARY_FILES_MAX: usize = 3;
const DIARY_FILE_BYTES_MAX: usize = 1 << 20;

/// Settings of the ledger store.
///
/// A power cut may leave any part of the batch that was being written, so the log is read up to
/// its first bad record. Whether that was the unfinished end or something acknowledged, no recovery
/// mode can tell; the head file does (see `ledger.rs`), and then the ledger is refused.
pub(super) fn ledger() -> Options {
    let mut options = shared();
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    options.set_track_and_verify_wals_in_manifest(true);
    options.set_write_buffer_size(LEDGER_WRITE_BUFFER_BYTES);
    options.set_memtable_prefix_bloom_ratio(LEDGER_BUFFER_BLOOM);
    options.set_memtable_whole_key_filtering(true);
    options
}

/// Settings of the market store, which may lose its newest records: they are fetched again.
pub(super) fn market() -> Options {
    let mut options = shared();
    options.create_if_missing(true);
    options.set_write_buffer_size(MARKET_WRITE_BUFFER_BYTES);
    options.set_memtable_prefix_bloom_ratio(MARKET_FILTER_SHARE);
    options.set_memtable_whole_key_filtering(true);
    // Files of the first level are soon sorted into others, and pressed there.
    let mut compression = [DBCompressionType::Lz4; LEVELS];
    if let Some(first) = compression.first_mut() {
        *first = DBCompressionType::None;
    }
    options.set_compression_per_level(&compression);
    options
}

fn shared() -> Options {
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&Cache::new_lru_cache(BLOCK_CACHE_BYTES));
    table.set_bloom_filter(BLOOM_BITS_PER_KEY, false);
    let mut options = Options::default();
    options.set_paranoid_checks(true);
    options.set_block_based_table_factory(&table);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    options.set_max_open_files(OPEN_FILES_MAX);
    options.set_max_background_jobs(2);
    options.set_keep_log_file_num(DIARY_FILES_MAX);
    options.set_max_log_file_size(DIARY_FILE_BYTES_MAX);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}

/// How the ledger is written, and the only way: synced, and never waiting inside `RocksDB`. On a
/// full disk a write that may wait never returned, not even after space was freed.
pub(super) fn durable() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(crash::syncs());
    options.set_no_slowdown(true);
    options
}

/// How the market is written: through the log, so that a killed process keeps it, and not synced.
pub(super) fn unsynced() -> WriteOptions {
    let mut options = WriteOptions::default();
    options.set_sync(false);
    options
}

/// Reading up to, and without, the key `end`. Without a bound an iterator walks over all deleted
/// keys that follow the last one wanted.
pub(super) fn until(end: &[u8]) -> ReadOptions {
    let mut options = ReadOptions::default();
    options.set_iterate_upper_bound(end);
    options
}

/// Makes the folder of a database, if it is not there, so that nobody else looks into it.
pub(super) fn private_folder(folder: &Path) -> Result<(), StoreError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| StoreError::io("make the folder", folder, error))
}
