//! From a path to plain bytes: opens gzip by its content, skips a byte order mark, and bounds what comes out. Knows no format.

use std::{
    cell::Cell,
    fs::File,
    io::{self, BufReader, Cursor, Read},
    path::Path,
    rc::Rc,
};

use flate2::bufread::MultiGzDecoder;

use super::{
    limits::{HEAD_BYTES, PLAIN_BYTES_MAX, RATIO_FREE_BYTES, RATIO_MAX, ROW_BYTES_MAX},
    problem::FileFault,
};

/// A file opened for reading, its first bytes at hand.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) head: Vec<u8>,
    pub(super) body: Plain,
    pub(super) meter: Rc<Meter>,
    /// Bytes of the file as it lies on disk.
    pub(super) stored: u64,
}

/// Counts what is read, for progress and limits. Shared by the layers of one file's reader.
#[derive(Debug, Default)]
pub(super) struct Meter {
    stored: Cell<u64>,
    plain: Cell<u64>,
    row_start: Cell<u64>,
    rows: Cell<u64>,
}

impl Meter {
    pub(super) fn stored(&self) -> u64 {
        self.stored.get()
    }

    pub(super) fn plain(&self) -> u64 {
        self.plain.get()
    }

    /// Says that a row is done, so that the next may be as long again.
    pub(super) fn row_done(&self) {
        self.row_start.set(self.plain.get());
        self.rows.set(self.rows.get().saturating_add(1));
    }
}

pub(super) fn open(path: &Path) -> Result<Source, FileFault> {
    let file = File::open(path).map_err(FileFault::Open)?;
    let about = file.metadata().map_err(FileFault::Open)?;
    if about.is_dir() {
        return Err(FileFault::Open(io::Error::from(
            io::ErrorKind::IsADirectory,
        )));
    }
    let stored = about.len();
    let meter = Rc::new(Meter::default());
    let mut file = Stored {
        file,
        meter: Rc::clone(&meter),
    };
    let magic = read_head(&mut file, 8)?;
    let gzip = magic.starts_with(&[0x1f, 0x8b]);
    let file = BufReader::with_capacity(HEAD_BYTES, Cursor::new(magic).chain(file));
    let bytes = if gzip {
        Bytes::Gzip(Box::new(MultiGzDecoder::new(file)))
    } else {
        Bytes::Stored(file)
    };
    let mut body = Plain {
        head: Cursor::new(vec![]),
        bytes,
        meter: Rc::clone(&meter),
    };
    let mut head = read_head(&mut body, HEAD_BYTES)?;
    if gzip && head.starts_with(&[0x1f, 0x8b]) {
        return Err(FileFault::GzipTwice);
    }
    if head.starts_with(&[0xef, 0xbb, 0xbf]) {
        head.drain(..3);
    }
    meter.row_start.set(meter.plain.get());
    body.head = Cursor::new(head.clone());
    Ok(Source {
        head,
        body,
        meter,
        stored,
    })
}

fn read_head(from: &mut impl Read, most: usize) -> Result<Vec<u8>, FileFault> {
    let mut head = Vec::new();
    let most = u64::try_from(most).unwrap_or(u64::MAX);
    from.take(most).read_to_end(&mut head).map_err(fault_of)?;
    Ok(head)
}

/// What a reader's error says about the file.
pub(super) fn fault_of(error: io::Error) -> FileFault {
    match error.downcast::<FileFault>() {
        Ok(fault) => fault,
        Err(error) => FileFault::Read(error),
    }
}

/// The file as it lies on disk, counted.
#[derive(Debug)]
struct Stored {
    file: File,
    meter: Rc<Meter>,
}

impl Read for Stored {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(into)?;
        add(&self.meter.stored, n);
        Ok(n)
    }
}

type Buffered = BufReader<io::Chain<Cursor<Vec<u8>>, Stored>>;

#[derive(Debug)]
enum Bytes {
    Stored(Buffered),
    Gzip(Box<MultiGzDecoder<Buffered>>),
}

/// The opened bytes. Refuses a file that grows beyond its limits, or a row that does not end.
#[derive(Debug)]
pub(super) struct Plain {
    /// Bytes read beforehand to tell the format.
    head: Cursor<Vec<u8>>,
    bytes: Bytes,
    meter: Rc<Meter>,
}

impl Read for Plain {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let n = self.head.read(into)?;
        if n > 0 {
            return Ok(n);
        }
        self.judge().map_err(io::Error::other)?;
        let n = match &mut self.bytes {
            Bytes::Stored(file) => file.read(into)?,
            Bytes::Gzip(file) => file.read(into).map_err(gzip_error)?,
        };
        add(&self.meter.plain, n);
        Ok(n)
    }
}

impl Plain {
    fn judge(&self) -> Result<(), FileFault> {
        let meter = &self.meter;
        let plain = meter.plain.get();
        if plain > PLAIN_BYTES_MAX {
            return Err(FileFault::TooLarge(PLAIN_BYTES_MAX));
        }
        let ratio_bytes = meter.stored.get().saturating_mul(RATIO_MAX);
        if plain > ratio_bytes.saturating_add(RATIO_FREE_BYTES) {
            return Err(FileFault::Bomb(RATIO_MAX));
        }
        if plain.saturating_sub(meter.row_start.get()) > ROW_BYTES_MAX {
            return Err(FileFault::RowTooLong {
                most: ROW_BYTES_MAX,
                after: meter.rows.get(),
            });
        }
        Ok(())
    }
}

/// The decoder reports broken data with the error kinds of its own; errors of the disk below it keep theirs.
fn gzip_error(error: io::Error) -> io::Error {
    let is_of_data = matches!(
        error.kind(),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof
    );
    if is_of_data {
        io::Error::other(FileFault::Gzip(error))
    } else {
        error
    }
}

fn add(count: &Cell<u64>, n: usize) {
    count.set(
        count
            .get()
            .saturating_add(u64::try_from(n).unwrap_or(u64::MAX)),
    );
}
