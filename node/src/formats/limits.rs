//! How much the reader of catalogue files takes in. The limits of an offer itself are the protocol's and do not stand here.

/// Rows of one import. Each distinct article costs about 300 bytes while an import runs, so this bounds its memory to some 600 MB.
pub const ROWS_MAX: u64 = 2_000_000;
/// Bytes of one row. The widest real row seen has 14 KB; a line without an end stops here and not when memory does.
pub const ROW_BYTES_MAX: u64 = 1 << 20;
/// Columns of one table, keys of one JSON row. A real export of a shop system has 229.
pub const COLUMNS_MAX: usize = 1024;
/// Bytes of one file when opened.
pub const PLAIN_BYTES_MAX: u64 = 8 << 30;
/// So many times its compressed size a file may be when opened. Real catalogues reach 30; gzip itself reaches 1,032.
pub const RATIO_MAX: u64 = 200;
/// Up to so many opened bytes no ratio is judged: small files of one repeated letter are no attack.
pub const RATIO_FREE_BYTES: u64 = 16 << 20;
/// Bytes at the beginning of a file by which its format is told.
pub const HEAD_BYTES: usize = 64 << 10;
/// Characters of a value that a problem shows.
pub const EXCERPT_CHARS_MAX: usize = 60;
/// Digits of one number. Twice what the largest amount needs, and far from the end of 128 bits.
pub const DIGITS_MAX: usize = 30;
/// Digits that a price may have beyond its currency's minor unit: screws at 0.0123 EUR are sold by the hundred.
pub const FINER_DIGITS_MAX: u32 = 4;

// The step from a price to minor units multiplies by at most this power of ten; it has to fit beside DIGITS_MAX.
const _: () = assert!(DIGITS_MAX + 4 + FINER_DIGITS_MAX as usize <= 38);
// A head larger than a row could not be read by a reader that bounds rows.
const _: () = assert!((HEAD_BYTES as u64) < ROW_BYTES_MAX);
