//! The guide of two partners, run: its pages are one story in the order of their numbers, with the
//! commands as a person types them, each against the real binary. What a page shows that differs
//! from run to run (ids, times, ports, processes) is bound to what this run shows, so that a page
//! can have real ids, and a command of a page means the thing that the page showed before.

mod binding;
mod clock;
mod draft;
mod page;
mod shell;

pub use self::binding::Bindings;
pub use self::draft::Draft;
pub use self::page::{Command, Page};
pub use self::shell::{Said, Shell, words};

use std::path::Path;
use std::time::{Duration, Instant};

/// How long a page may wait for what the other node has yet to hear.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
/// Where a command is new there is nothing to wait for, so what is under way gets time.
const SETTLE: Duration = Duration::from_millis(600);
/// How long one command may wait for what its page says before the page is taken to be outdated,
/// and all of them together, since what has changed never comes.
const DOUBT: Duration = Duration::from_secs(10);
const DOUBTS: Duration = Duration::from_secs(40);
/// Verbs that change nothing, so that they may be typed again until they show what is awaited.
const READINGS: [&str; 14] = [
    "doctor", "events", "export", "get", "ls", "owed", "path", "requests", "search", "show",
    "slots", "status", "verify", "wait",
];

/// Runs the pages in a folder, in the order of their numbers. With `overwrite` what is printed now
/// is written into them.
///
/// # Panics
/// At the first command that prints or ends otherwise than its page says, with both.
pub fn run(folder: &Path, overwrite: bool) {
    let mut shell = Shell::open(&folder.join("files"));
    let (mut bindings, mut draft) = (Bindings::default(), Draft::default());
    let mut doubts = DOUBTS;
    let mut pages: Vec<_> = std::fs::read_dir(folder)
        .expect("the guide has a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    pages.sort_by_key(|path| number(path));
    assert!(!pages.is_empty(), "the guide has pages");
    for path in pages {
        let mut page = Page::read(&path);
        for index in 0..page.commands().len() {
            let mut command = page.commands()[index].clone();
            if overwrite {
                command.typed = draft.resolve(&command.typed);
                let said = settled(&mut shell, &mut bindings, &command, &mut doubts);
                draft.hear(&said.text);
                page.tell(index, &command.typed, said.code, &said.text);
            } else if let Err((said, why)) = expected(&mut shell, &mut bindings, &command) {
                let Command { line, typed, .. } = &command;
                panic!(
                    "{}:{line}: $ {typed}\n{why}\n--- the page says (exit {})\n{}\n--- it said (exit {})\n{}\n",
                    path.display(),
                    command.code,
                    command.text,
                    said.code,
                    said.text,
                );
            }
        }
        if overwrite {
            page.write(&path);
        }
    }
}

/// The number with which the name of a page begins.
fn number(page: &Path) -> Option<u32> {
    page.file_name()?.to_str()?.split('-').next()?.parse().ok()
}

/// Types a command, again and again while that is harmless, until it says what its page says.
fn expected(
    shell: &mut Shell,
    bindings: &mut Bindings,
    command: &Command,
) -> Result<(), (Said, String)> {
    let begun = Instant::now();
    loop {
        let said = shell.say(&bindings.as_run(&command.typed));
        let tried = match said.code == command.code {
            true => bindings.bind(&command.text, &said.text),
            false => Err("the exit code differs".to_owned()),
        };
        let Err(why) = tried else { return Ok(()) };
        // What failed changed nothing, and what only reads never does.
        let may_repeat = said.code != 0 || is_reading(&command.typed);
        if !may_repeat || begun.elapsed() >= PATIENCE {
            return Err((said, why));
        }
        std::thread::sleep(PAUSE);
    }
}

/// Types a command of a page that is written anew, after what went before has settled. What the
/// page has right stays as it is; the rest is what this run shows.
fn settled(
    shell: &mut Shell,
    bindings: &mut Bindings,
    command: &Command,
    doubts: &mut Duration,
) -> Said {
    std::thread::sleep(SETTLE);
    let begun = Instant::now();
    loop {
        let said = shell.say(&bindings.as_run(&command.typed));
        if said.code == command.code && bindings.bind(&command.text, &said.text).is_ok() {
            return Said {
                code: said.code,
                text: command.text.clone(),
            };
        }
        let may_repeat = is_reading(&command.typed) && !command.text.is_empty();
        if !may_repeat || begun.elapsed() >= DOUBT.min(*doubts) {
            *doubts = doubts.saturating_sub(begun.elapsed());
            bindings.learn(&command.text, &said.text);
            return Said {
                code: said.code,
                text: bindings.as_page(&said.text),
            };
        }
        std::thread::sleep(PAUSE);
    }
}

/// Whether a command changes nothing.
fn is_reading(typed: &str) -> bool {
    let words = words(typed);
    let verbs = words
        .iter()
        .take_while(|word| !word.starts_with('-') || word.as_str() == "--home");
    words.first().is_some_and(|first| first != "omni")
        || verbs
            .into_iter()
            .any(|word| READINGS.contains(&word.as_str()))
}
