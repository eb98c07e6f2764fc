//! Pages of a catalogue: packed and opened within bounds (SPEC 16). What is in them is `verify`'s.

use std::io::{self, Read as _};

use omni_protocol::limits::{PAGE_BYTES_MAX, PAGE_PLAIN_BYTES_MAX};

/// What is put into one page: when it can't be pressed at all, it still fits.
pub(super) const PAGE_PLAIN_BYTES_AIM: usize = 1_000_000;

/// A frame may ask its reader for a window of this size (8 MiB), no more than a page itself.
const WINDOW_LOG_MAX: u32 = 23;

/// A good ratio at a speed that the network can't reach.
const LEVEL: i32 = 3;

/// Why a page can't be opened. All are the sender's fault.
#[derive(Debug, thiserror::Error)]
pub(super) enum PageError {
    #[error("the page is {0} bytes long, at most {PAGE_BYTES_MAX} are allowed")]
    TooLong(usize),
    #[error("the page opens to more than {PAGE_PLAIN_BYTES_MAX} bytes")]
    OpensTooLarge,
    #[error("the page is not one whole zstd frame: {0}")]
    Broken(#[from] io::Error),
    #[error("bytes follow the zstd frame of the page")]
    Trailing,
}

/// Presses a page. Nothing when the result would be too long for the wire.
pub(super) fn pack(plain: &[u8]) -> Option<Vec<u8>> {
    let packed = zstd::bulk::compress(plain, LEVEL).ok()?;
    (packed.len() <= PAGE_BYTES_MAX).then_some(packed)
}

/// Opens a page, allocating no more than its content and its allowed window.
///
/// # Errors
/// See [`PageError`].
pub(super) fn open(packed: &[u8]) -> Result<Vec<u8>, PageError> {
    if packed.len() > PAGE_BYTES_MAX {
        return Err(PageError::TooLong(packed.len()));
    }
    let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?.single_frame();
    decoder.window_log_max(WINDOW_LOG_MAX)?;
    let limit = u64::try_from(PAGE_PLAIN_BYTES_MAX).unwrap_or(u64::MAX);
    // What the frame says of its content makes room at once, within what is allowed.
    let stated = zstd::zstd_safe::get_frame_content_size(packed)
        .ok()
        .flatten();
    let mut plain =
        Vec::with_capacity(usize::try_from(stated.unwrap_or(0).min(limit)).unwrap_or(0));
    decoder
        .by_ref()
        .take(limit.saturating_add(1))
        .read_to_end(&mut plain)?;
    if plain.len() > PAGE_PLAIN_BYTES_MAX {
        return Err(PageError::OpensTooLarge);
    }
    if !decoder.finish().is_empty() {
        return Err(PageError::Trailing);
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_opens_to_what_was_packed() {
        for plain in [vec![], vec![7; 10], vec![7; PAGE_PLAIN_BYTES_MAX]] {
            let packed = pack(&plain).expect("it is pressed well");
            assert_eq!(open(&packed).unwrap(), plain);
        }
    }

    #[test]
    fn noise_of_the_aimed_size_fits() {
        let mut noise = vec![0; PAGE_PLAIN_BYTES_AIM];
        getrandom::fill(&mut noise).unwrap();
        let packed = pack(&noise).expect("it fits");
        assert_eq!(open(&packed).unwrap(), noise);
        let mut more = vec![0; PAGE_BYTES_MAX + 1];
        getrandom::fill(&mut more).unwrap();
        assert_eq!(pack(&more), None);
    }

    #[test]
    fn hostile_pages_are_refused() {
        let good = pack(b"some text, some text, some text").unwrap();
        let bomb = zstd::bulk::compress(&vec![0; PAGE_PLAIN_BYTES_MAX + 1], 19).unwrap();
        let twice = [good.clone(), good.clone()].concat();
        let mut window = zstd::stream::Encoder::new(vec![], 1).unwrap();
        window.window_log(27).unwrap();
        io::Write::write_all(&mut window, b"small, but asks for much").unwrap();
        let window = window.finish().unwrap();
        for (name, packed, said) in [
            ("empty", vec![], "not one whole"),
            ("junk", vec![9; 64], "not one whole"),
            ("cut", good[..good.len() - 1].to_vec(), "not one whole"),
            ("twice", twice, "bytes follow"),
            ("bomb", bomb, "opens to more"),
            ("window", window, "not one whole"),
            ("long", vec![0; PAGE_BYTES_MAX + 1], "bytes long"),
        ] {
            let error = open(&packed).map(|p| p.len()).expect_err(name).to_string();
            assert!(error.contains(said), "{name}: {error}");
        }
    }
}
