//! A page of the guide: prose, and console blocks with commands and what they say.

use std::path::Path;

/// A command of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The line of the page, from 1.
    pub line: usize,
    /// What is typed.
    pub typed: String,
    /// The exit code that the page says; 0 unless a line `? N` follows.
    pub code: i32,
    /// What the page says that it prints.
    pub text: String,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    parts: Vec<Part>,
    commands: Vec<Command>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// A line that is no command and not what one says.
    Line(String),
    /// The next command.
    Command,
}

impl Page {
    /// The page in a file.
    ///
    /// # Panics
    /// If it can't be read.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        Self::of(&std::fs::read_to_string(path).expect("a page can be read"))
    }

    /// The page with this text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let (mut parts, mut commands) = (Vec::new(), Vec::<Command>::new());
        let (mut in_block, mut is_told) = (false, false);
        for (line, content) in (1..).zip(text.lines()) {
            if content.starts_with("```") {
                (in_block, is_told) = (!in_block && content == "```console", false);
                parts.push(Part::Line(content.to_owned()));
            } else if let Some(typed) = content.strip_prefix("$ ").filter(|_| in_block) {
                is_told = true;
                parts.push(Part::Command);
                commands.push(Command {
                    line,
                    typed: typed.to_owned(),
                    code: 0,
                    text: String::new(),
                });
            } else if let Some(command) = commands.last_mut().filter(|_| is_told) {
                let code = content
                    .strip_prefix("? ")
                    .and_then(|code| code.parse().ok());
                match code {
                    Some(code) if command.text.is_empty() => command.code = code,
                    Some(_) | None => {
                        command.text.push_str(content);
                        command.text.push('\n');
                    }
                }
            } else {
                parts.push(Part::Line(content.to_owned()));
            }
        }
        for command in &mut commands {
            command.text.truncate(command.text.trim_end().len());
        }
        Self { parts, commands }
    }

    /// Its commands, in order.
    #[must_use]
    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    /// Writes down how a command is typed and what it says now.
    pub fn tell(&mut self, index: usize, typed: &str, code: i32, text: &str) {
        if let Some(command) = self.commands.get_mut(index) {
            typed.clone_into(&mut command.typed);
            command.code = code;
            text.trim_end().clone_into(&mut command.text);
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut commands = self.commands.iter().peekable();
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Line(line) => text.push_str(&format!("{line}\n")),
                Part::Command => {
                    let Some(command) = commands.next() else {
                        continue;
                    };
                    text.push_str(&format!("$ {}\n", command.typed));
                    if command.code != 0 {
                        text.push_str(&format!("? {}\n", command.code));
                    }
                    if !command.text.is_empty() {
                        text.push_str(&format!("{}\n", command.text));
                    }
                    text.push('\n');
                }
            }
        }
        // The empty line behind a block's last command belongs to the block.
        text.replace("\n\n```\n", "\n```\n")
    }

    /// Writes it to a file.
    ///
    /// # Panics
    /// If it can't be written.
    pub fn write(&self, path: &Path) {
        std::fs::write(path, self.text()).expect("a page can be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# One\n\n```console\n$ omni a 'b c'\nsaid\n\nmore\n\n$ omni x\n? 5\nerror: no\n```\n\nThe end.\n\n```sh\n$ not run\n```\n";

    #[test]
    fn commands_are_found_with_what_they_say() {
        let page = Page::of(TEXT);
        let told: Vec<_> = page
            .commands()
            .iter()
            .map(|c| (c.line, c.typed.as_str(), c.code, c.text.as_str()))
            .collect();
        let expected = [
            (4, "omni a 'b c'", 0, "said\n\nmore"),
            (9, "omni x", 5, "error: no"),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_page_is_written_as_it_was_read() {
        assert_eq!(Page::of(TEXT).text(), TEXT);
        let mut page = Page::of(TEXT);
        page.tell(0, "omni a c", 4, "other\n");
        let text = TEXT.replace("'b c'\nsaid\n\nmore", "c\n? 4\nother");
        assert_eq!(page.text(), text);
    }
}
