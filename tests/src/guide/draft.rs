//! Writing a page: a command may say `<thread>` or any other name for the thread that was shown last,
//! alone or in the last row of a list, when the name came first, and `<invite>`, `<address>` and `<process>` for the last of these;
//! `<slot>` and `<nextslot>` for the third and fourth slot that were shown, which are not over
//! while the page runs. When the page is written anew, what the run showed stands there.

/// What the names of a draft mean.
#[derive(Debug, Default)]
pub struct Draft {
    threads: Vec<(String, String)>,
    last: Last,
}

/// What was shown last.
#[derive(Debug, Default)]
struct Last {
    thread: String,
    invite: String,
    address: String,
    process: String,
    /// The first that were shown, in their order.
    slots: Vec<String>,
}

/// Digits by which a thread is named.
const DIGITS: usize = 12;
/// Slots that are remembered.
const SLOTS: usize = 4;

impl Draft {
    /// Looks at what a command said.
    pub fn hear(&mut self, said: &str) {
        let Last {
            thread,
            invite,
            address,
            process,
            slots,
        } = &mut self.last;
        for line in said.lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            if let ["thread", id] | [id, ..] = words[..]
                && is_id(id)
            {
                id.clone_into(thread);
            }
            if let [.., "process", number] = words[..] {
                number.clone_into(process);
            }
            if let Some(slot) = words.first().filter(|word| is_slot(word))
                && slots.len() < SLOTS
            {
                slots.push((*slot).to_owned());
            }
            for word in words {
                if word.starts_with("omniinvite1") {
                    word.clone_into(invite);
                } else if word.contains("/tcp/") && word.contains("/p2p/") {
                    word.clone_into(address);
                }
            }
        }
    }

    /// A command with what its names mean.
    pub fn resolve(&mut self, typed: &str) -> String {
        let mut out = typed.to_owned();
        while let Some((before, name, after)) = name(&out) {
            let value = match name {
                "invite" => self.last.invite.clone(),
                "address" => self.last.address.clone(),
                "process" => self.last.process.clone(),
                "slot" => self.last.slots.get(SLOTS - 2).cloned().unwrap_or_default(),
                "nextslot" => self.last.slots.get(SLOTS - 1).cloned().unwrap_or_default(),
                name => self.thread(name),
            };
            assert!(
                !value.is_empty(),
                "nothing was shown that <{name}> could be"
            );
            out = format!("{before}{value}{after}");
        }
        out
    }

    fn thread(&mut self, name: &str) -> String {
        if let Some((_, thread)) = self.threads.iter().find(|(known, _)| known == name) {
            return thread.clone();
        }
        let thread: String = self.last.thread.chars().take(DIGITS).collect();
        self.threads.push((name.to_owned(), thread.clone()));
        thread
    }
}

/// Whether a word is an id, or as much of one as a list shows first in a row.
fn is_id(word: &str) -> bool {
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    word.len() >= DIGITS && word.chars().all(is_hex)
}

fn is_slot(word: &str) -> bool {
    super::clock::local(word) == Some(word.len())
}

/// The first name in a command, with what stands around it.
fn name(typed: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = typed.split_once('<')?;
    let (name, after) = rest.split_once('>')?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase());
    is_name.then_some((before, name, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_mean_what_was_shown() {
        let mut draft = Draft::default();
        let (one, two) = ("a".repeat(64), "b".repeat(64));
        draft.hear(&format!("thread   {one}\nwith  x\nready  process 7"));
        assert_eq!(draft.resolve("show <first>"), "show aaaaaaaaaaaa");
        draft.hear(&format!(
            "thread   {two}\nlistens  /ip4/1.2.3.4/tcp/5/p2p/12D3KooW"
        ));
        assert_eq!(
            draft.resolve("<first> <other>"),
            "aaaaaaaaaaaa bbbbbbbbbbbb"
        );
        draft.hear("thread  partner\ncccccccccccc  Brenner\nddddddddddd  none\nx  eeeeeeeeeeee");
        assert_eq!(draft.resolve("<listed>"), "cccccccccccc");
        assert_eq!(draft.resolve("kill -9 <process>"), "kill -9 7");
        assert_eq!(
            draft.resolve("add <address>"),
            "add /ip4/1.2.3.4/tcp/5/p2p/12D3KooW"
        );
        assert_eq!(draft.resolve("a < b"), "a < b");
        let days = ["21", "22", "23", "24", "25"].map(|day| format!("2026-11-{day}T09:00  1\n"));
        draft.hear(&days.concat());
        draft.hear("2027-01-01T09:00");
        assert_eq!(
            draft.resolve("<slot> <nextslot>"),
            "2026-11-23T09:00 2026-11-24T09:00"
        );
    }
}
