//! A disk for power cuts: it follows what a node writes and syncs (`tests/shim/disk.c`), and makes
//! up what a power cut at any of these moments would have left. What a node must have kept is kept
//! out.
//!
//! Durable is what was synced, no more: a file's bytes by a sync of the file, its name by a sync of
//! its folder. Of all else a cut may leave any part, as [`Cut`] says. Folders themselves stay.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes that reach a disk whole or not at all.
const SECTOR_BYTES: usize = 512;
const HEAD_BYTES: usize = 32;
const CREATED: u32 = 1;
const EMPTIED: u32 = 2;
/// What a node sets aside and never reads.
const BALLAST: &str = "ballast";

/// What a power cut leaves of that which was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    Strict,
    /// All, as a kill does.
    Lenient,
    /// Of each file any sectors, in any order, and any length; of the names as many as the number
    /// draws, in their order, as a file system with a journal has it.
    Torn(u64),
}

/// Followed changes of one folder.
#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
    base: PathBuf,
    log: PathBuf,
    shim: PathBuf,
}

impl Disk {
    /// Follows `folder` from now on, and keeps what it needs in the empty folder `beside`. All that
    /// is in `folder` now counts as durable.
    ///
    /// # Panics
    /// If there is no C compiler, or files can't be copied.
    #[must_use]
    pub fn follow(folder: &Path, beside: &Path) -> Self {
        let disk = Self {
            folder: folder.to_owned(),
            base: beside.join("base"),
            log: beside.join("changes"),
            shim: beside.join("disk.so"),
        };
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("shim/disk.c");
        let mut cc = Command::new("cc");
        cc.args([
            "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o",
        ]);
        let built = cc.arg(&disk.shim).arg(source).status().expect("cc runs");
        assert!(built.success(), "the shim compiles");
        disk.begin_again();
        disk
    }

    /// Forgets what was followed: what the folder holds now counts as durable.
    ///
    /// # Panics
    /// If files can't be copied.
    pub fn begin_again(&self) {
        drop(fs::remove_dir_all(&self.base));
        copy_folder(&self.folder, &self.base);
        fs::write(&self.log, b"").expect("a file");
    }

    /// Makes a command run on this disk. `fail` is the sync of the ledger that fails, from 1.
    pub fn carry(&self, command: &mut Command, fail: Option<u64>) {
        command
            .env("LD_PRELOAD", &self.shim)
            .env("OMNI_DISK_HOME", &self.folder)
            .env("OMNI_DISK_LOG", &self.log);
        if let Some(fail) = fail {
            command.env("OMNI_DISK_FAIL", fail.to_string());
        }
    }

    /// How much was followed so far. What a client heard before is at most so far.
    ///
    /// # Panics
    /// If nothing was followed.
    #[must_use]
    pub fn moment(&self) -> u64 {
        fs::metadata(&self.log).expect("the record").len()
    }

    /// All that was followed.
    ///
    /// # Panics
    /// If the record is not what the shim writes.
    #[must_use]
    pub fn changes(&self) -> Vec<Change> {
        read(&fs::read(&self.log).expect("the record"))
    }

    /// Puts what a power cut at the end of `changes` leaves into `to`, which must not exist.
    ///
    /// # Panics
    /// If files can't be written.
    pub fn cut(&self, changes: &[Change], cut: Cut, to: &Path) {
        let mut image = Image::of(&self.base);
        for change in changes {
            image.follow(change);
        }
        copy_folder(&self.base, to);
        image.lay(cut, to);
    }

    /// Lets the power fail now: the folder itself becomes what a cut leaves. Nothing may run in it.
    ///
    /// # Panics
    /// As [`Self::cut`].
    pub fn cut_here(&self, cut: Cut) {
        let changes = self.changes();
        fs::remove_dir_all(&self.folder).expect("it is ours");
        self.cut(&changes, cut, &self.folder);
    }
}

/// A change with the moment after it.
#[derive(Debug, Clone)]
pub struct Change {
    /// See [`Disk::moment`].
    pub moment: u64,
    what: What,
    inode: u64,
    text: String,
}

#[derive(Debug, Clone)]
enum What {
    Opened { flags: u32 },
    Wrote { at: usize, bytes: Vec<u8> },
    Length(usize),
    Synced,
    FolderSynced,
    Renamed { to: String },
    Unlinked,
}

/// Reads what the shim wrote: 32 bytes of head (kind, length of a text, length of data, flags,
/// inode, offset), the text, the data. A last record that a kill cut off is none.
fn read(bytes: &[u8]) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut at = 0;
    while let Some(head) = bytes.get(at..at + HEAD_BYTES) {
        let small = |n: usize| u32::from_le_bytes(head[4 * n..][..4].try_into().expect("four"));
        let large = |n: usize| u64::from_le_bytes(head[8 * n..][..8].try_into().expect("eight"));
        let text_end = at + HEAD_BYTES + small(1) as usize;
        let end = text_end + small(2) as usize;
        let Some(data) = bytes.get(text_end..end) else {
            break;
        };
        let text = String::from_utf8_lossy(&bytes[at + HEAD_BYTES..text_end]).into_owned();
        let offset = usize::try_from(large(3)).expect("a 64-bit machine");
        let what = match u8::try_from(small(0)).expect("a letter") {
            b'O' => What::Opened { flags: small(3) },
            b'W' => What::Wrote {
                at: offset,
                bytes: data.to_vec(),
            },
            b'T' => What::Length(offset),
            b'S' => What::Synced,
            b'D' => What::FolderSynced,
            b'R' => What::Renamed {
                to: String::from_utf8_lossy(data).into_owned(),
            },
            b'U' => What::Unlinked,
            other => panic!("a change that can't be followed: {}", char::from(other)),
        };
        at = end;
        changes.push(Change {
            moment: end as u64,
            what,
            inode: large(2),
            text,
        });
    }
    changes
}

/// The state of a followed folder.
#[derive(Debug, Default)]
struct Image {
    files: Vec<File>,
    by_inode: HashMap<u64, usize>,
    now: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    /// Names that changed since the last sync of their folder: what each became.
    renamed: Vec<(String, Option<usize>)>,
}

#[derive(Debug, Default)]
struct File {
    durable: Vec<u8>,
    now: Vec<u8>,
    /// Parts that were written since the last sync.
    written: Vec<(usize, usize)>,
}

impl Image {
    /// All that is in a folder, as durable.
    fn of(base: &Path) -> Self {
        let mut image = Self::default();
        image.add(base, base);
        image
    }

    fn add(&mut self, base: &Path, folder: &Path) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                self.add(base, &path);
            } else {
                let name = path.strip_prefix(base).expect("it is in it");
                let bytes = fs::read(&path).expect("a file");
                self.put(&name.to_string_lossy(), bytes);
            }
        }
    }

    /// A file that is durable.
    fn put(&mut self, name: &str, bytes: Vec<u8>) -> usize {
        self.files.push(File {
            durable: bytes.clone(),
            now: bytes,
            written: Vec::new(),
        });
        let file = self.files.len() - 1;
        self.now.insert(name.to_owned(), file);
        self.durable.insert(name.to_owned(), file);
        file
    }

    fn follow(&mut self, change: &Change) {
        match &change.what {
            What::Opened { flags } => self.open(change, *flags),
            What::Wrote { at, bytes } => {
                let file = self.file(change);
                let end = at + bytes.len();
                if file.now.len() < end {
                    file.now.resize(end, 0);
                }
                file.now[*at..end].copy_from_slice(bytes);
                file.written.push((*at, end));
            }
            What::Length(bytes) => self.file(change).now.resize(*bytes, 0),
            What::Synced => {
                // A file that was opened to be read only, and so never changed.
                if self.by_inode.contains_key(&change.inode) {
                    let file = self.file(change);
                    file.durable.clone_from(&file.now);
                    file.written.clear();
                }
            }
            What::FolderSynced => {
                let is_here = |name: &str| folder_of(name) == change.text;
                let changed = std::mem::take(&mut self.renamed);
                for (name, file) in changed {
                    if is_here(&name) {
                        set(&mut self.durable, &name, file);
                    } else {
                        self.renamed.push((name, file));
                    }
                }
            }
            What::Renamed { to } => {
                let file = self.known(&change.text);
                self.name(&change.text, None);
                self.name(to, Some(file));
            }
            What::Unlinked => {
                self.name(&change.text, None);
            }
        }
    }

    fn open(&mut self, change: &Change, flags: u32) {
        let file = if flags & CREATED != 0 {
            self.files.push(File::default());
            let file = self.files.len() - 1;
            self.name(&change.text, Some(file));
            file
        } else {
            self.known(&change.text)
        };
        self.by_inode.insert(change.inode, file);
        if flags & EMPTIED != 0 {
            self.files[file].now.clear();
        }
    }

    /// The file of a name. What was set aside is not followed, and counts as empty.
    fn known(&mut self, name: &str) -> usize {
        match self.now.get(name) {
            Some(file) => *file,
            None => self.put(name, Vec::new()),
        }
    }

    fn file(&mut self, change: &Change) -> &mut File {
        &mut self.files[self.by_inode[&change.inode]]
    }

    fn name(&mut self, name: &str, file: Option<usize>) {
        set(&mut self.now, name, file);
        self.renamed.push((name.to_owned(), file));
    }

    /// Puts what a cut leaves over a copy of the base.
    fn lay(&self, cut: Cut, to: &Path) {
        let mut draw = Draw(match cut {
            Cut::Torn(seed) => seed,
            Cut::Strict | Cut::Lenient => 0,
        });
        let mut names = self.durable.clone();
        let kept = match cut {
            Cut::Strict => 0,
            Cut::Lenient => self.renamed.len(),
            Cut::Torn(_) => draw.below(self.renamed.len() + 1),
        };
        for (name, file) in self.renamed.iter().take(kept) {
            set(&mut names, name, *file);
        }
        let mut touched: Vec<&String> = self.durable.keys().chain(self.now.keys()).collect();
        touched.extend(self.renamed.iter().map(|(name, _)| name));
        touched.sort();
        touched.dedup();
        for name in touched {
            let path = to.join(name);
            let Some(file) = names.get(name) else {
                drop(fs::remove_file(&path));
                continue;
            };
            let file = &self.files[*file];
            let bytes = match cut {
                Cut::Strict => file.durable.clone(),
                Cut::Lenient => file.now.clone(),
                Cut::Torn(_) => file.torn(&mut draw),
            };
            let folder = path.parent().expect("a folder");
            let mut folders = fs::DirBuilder::new();
            folders
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .expect("a folder");
            let mut options = fs::File::options();
            let options = options.create(true).truncate(true).write(true).mode(0o600);
            let mut out = options.open(&path).expect("a file");
            std::io::Write::write_all(&mut out, &bytes).expect("written");
        }
    }
}

impl File {
    /// The durable bytes, with any of the sectors that were written since.
    fn torn(&self, draw: &mut Draw) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        let lengths = [self.durable.len(), self.now.len()];
        let (short, long) = (lengths[0].min(lengths[1]), lengths[0].max(lengths[1]));
        let length = match draw.below(3) {
            0 => self.durable.len(),
            1 => self.now.len(),
            _ => short + draw.below(long - short + 1),
        };
        bytes.resize(length, 0);
        for (begin, end) in &self.written {
            for sector in begin / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES) {
                let from = (sector * SECTOR_BYTES).max(*begin);
                let to = ((sector + 1) * SECTOR_BYTES)
                    .min(*end)
                    .min(length)
                    .min(self.now.len());
                if from < to && draw.below(2) == 0 {
                    bytes[from..to].copy_from_slice(&self.now[from..to]);
                }
            }
        }
        bytes
    }
}

fn set(names: &mut BTreeMap<String, usize>, name: &str, file: Option<usize>) {
    match file {
        Some(file) => names.insert(name.to_owned(), file),
        None => names.remove(name),
    };
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Copies files with their rights; the ballast is left behind.
fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).expect("a folder");
    let rights = fs::metadata(from).expect("a folder").permissions();
    fs::set_permissions(to, rights).expect("it is ours");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name");
        if path.is_dir() {
            copy_folder(&path, &to.join(name));
        } else if name != BALLAST {
            fs::copy(&path, to.join(name)).expect("copied");
        }
    }
}

/// Numbers that look random and are the same for the same seed (splitmix64).
#[derive(Debug)]
struct Draw(u64);

impl Draw {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let z = z ^ (z >> 31);
        usize::try_from(z % bound.max(1) as u64).expect("below the bound")
    }
}
