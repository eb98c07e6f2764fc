//! The layers of the settings: flag over environment over file over default, and for each value
//! its origin. What the values mean is kept out.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml_edit::{Document, DocumentMut, Item, TableLike};

use super::setting::{SETTINGS, Setting, Value};
use crate::home::files::{self, FileError};
use crate::home::{Environment, Home};

/// An operator's file has a few kilobytes.
const CONFIG_BYTES_MAX: u64 = 256 * 1024;

/// Variables of the environment that are no settings.
pub const OTHER_VARIABLES: &[&str] = &["OMNI_HOME"];

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of `config.toml`.
    File {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// A variable of the environment.
    Environment(String),
    /// A flag of the command.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is not TOML.
    #[error("{}:{line} is not TOML: {reason}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// There is no such setting.
    #[error("there is no setting {key} ({origin})")]
    Unknown {
        /// As written.
        key: String,
        /// Where it stands.
        origin: Origin,
    },
    /// A value that the setting can't have.
    #[error("{key} can't be {value} ({origin}): {reason}")]
    Invalid {
        /// The setting.
        key: String,
        /// As written.
        value: String,
        /// Where it stands.
        origin: Origin,
        /// What is wrong with it.
        reason: String,
    },
    /// The file can't be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Placed {
    /// The value that wins.
    pub value: Value,
    /// The layer it comes from.
    pub origin: Origin,
}

/// The value that wins for each setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    values: BTreeMap<&'static str, Placed>,
}

impl Layers {
    /// The lowest layer alone.
    #[must_use]
    pub fn defaults() -> Self {
        let placed = |setting: &'static Setting| {
            let value = setting.default();
            let origin = Origin::Default;
            (setting.key, Placed { value, origin })
        };
        Self {
            values: SETTINGS.iter().map(placed).collect(),
        }
    }

    /// Lays the home's file and the environment over the defaults. A file that is not there
    /// says nothing.
    ///
    /// # Errors
    /// If the file can't be read, or any value is not what its setting can be.
    pub fn read(home: &Home, env: &Environment) -> Result<Self, ConfigError> {
        let mut layers = Self::defaults();
        let path = home.config_file();
        match files::read_text(&path, CONFIG_BYTES_MAX) {
            Ok(text) => layers.lay_file(&path, &text)?,
            Err(e) if e.is_absent() => {}
            Err(e) => return Err(e.into()),
        }
        layers.lay_environment(env)?;
        Ok(layers)
    }

    /// Lays the text of a file over what is there.
    ///
    /// # Errors
    /// If it is not TOML, names an unknown setting, or a value can't be.
    pub fn lay_file(&mut self, path: &Path, text: &str) -> Result<(), ConfigError> {
        let document = Document::parse(text).map_err(|e| syntax(path, text, &e))?;
        let at = |span: Option<Range<usize>>| Origin::File {
            path: path.to_owned(),
            line: span.map_or(1, |span| line_of(text, span.start)),
        };
        for (section, item) in document.iter() {
            let origin = at(item.span());
            let Some(table) = item.as_table_like() else {
                let key = section.to_owned();
                return Err(ConfigError::Unknown { key, origin });
            };
            self.lay_section(section, table, &at)?;
        }
        Ok(())
    }

    fn lay_section(
        &mut self,
        section: &str,
        table: &dyn TableLike,
        at: &dyn Fn(Option<Range<usize>>) -> Origin,
    ) -> Result<(), ConfigError> {
        for (name, item) in table.iter() {
            let key = format!("{section}.{name}");
            let origin = at(item.span());
            let Some(setting) = Setting::named(&key) else {
                return Err(ConfigError::Unknown { key, origin });
            };
            let Some(value) = value_of(item) else {
                return Err(ConfigError::Invalid {
                    key,
                    value: item.to_string().trim().to_owned(),
                    origin,
                    reason: "it is neither a text in quotes nor a list of them".to_owned(),
                });
            };
            self.place(setting, value, origin)?;
        }
        Ok(())
    }

    fn lay_environment(&mut self, env: &Environment) -> Result<(), ConfigError> {
        for setting in SETTINGS {
            let name = setting.variable();
            if let Some(text) = env.value(&name) {
                let value = setting.value_of_variable(text);
                self.place(setting, value, Origin::Environment(name))?;
            }
        }
        Ok(())
    }

    /// Lays a flag over what is there.
    ///
    /// # Errors
    /// If the value is not what the setting can be.
    pub fn lay_flag(
        &mut self,
        key: &str,
        value: Value,
        flag: &'static str,
    ) -> Result<(), ConfigError> {
        let origin = Origin::Flag(flag);
        match Setting::named(key) {
            Some(setting) => self.place(setting, value, origin),
            None => Err(ConfigError::Unknown {
                key: key.to_owned(),
                origin,
            }),
        }
    }

    fn place(
        &mut self,
        setting: &'static Setting,
        value: Value,
        origin: Origin,
    ) -> Result<(), ConfigError> {
        if let Err(reason) = setting.check(&value) {
            return Err(ConfigError::Invalid {
                key: setting.key.to_owned(),
                value: value.to_string(),
                origin,
                reason,
            });
        }
        self.values.insert(setting.key, Placed { value, origin });
        Ok(())
    }

    /// Every setting with the value that wins, in the order of the table.
    pub fn iter(&self) -> impl Iterator<Item = (&'static Setting, &Placed)> {
        SETTINGS
            .iter()
            .filter_map(|setting| Some((setting, self.values.get(setting.key)?)))
    }

    pub(super) fn one<T>(
        &self,
        key: &'static str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        let mut items = self.many(key, parse)?;
        match (items.pop(), items.is_empty()) {
            (Some(item), true) => Ok(item),
            (Some(_) | None, _) => Err(ConfigError::Unknown {
                key: key.to_owned(),
                origin: Origin::Default,
            }),
        }
    }

    pub(super) fn many<T>(
        &self,
        key: &'static str,
        parse: fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ConfigError> {
        let Some(placed) = self.values.get(key) else {
            return Err(ConfigError::Unknown {
                key: key.to_owned(),
                origin: Origin::Default,
            });
        };
        let items: Result<Vec<T>, String> = placed.value.items().map(parse).collect();
        items.map_err(|reason| ConfigError::Invalid {
            key: key.to_owned(),
            value: placed.value.to_string(),
            origin: placed.origin.clone(),
            reason,
        })
    }
}

/// Variables that look like settings and are none: most likely a slip of the pen.
#[must_use]
pub fn unknown_variables(env: &Environment) -> Vec<String> {
    let known: Vec<_> = SETTINGS.iter().map(Setting::variable).collect();
    env.names("OMNI_")
        .filter(|&name| !OTHER_VARIABLES.contains(&name) && !known.iter().any(|k| k == name))
        .map(str::to_owned)
        .collect()
}

/// Changes settings in the text of a file and leaves comments, order and all else as it is.
///
/// # Errors
/// If the text is not TOML, or a value can't be.
pub fn edit(
    path: &Path,
    text: &str,
    changes: &[(&'static Setting, Value)],
) -> Result<String, ConfigError> {
    // Read as a whole first: the error then says what was wrong before.
    Layers::defaults().lay_file(path, text)?;
    let mut document: DocumentMut = text
        .parse()
        .map_err(|e: toml_edit::TomlError| syntax(path, text, &e))?;
    for (setting, value) in changes {
        let Some((section, name)) = setting.key.split_once('.') else {
            continue;
        };
        let value = match value {
            Value::Text(text) => toml_edit::value(text),
            Value::List(items) => toml_edit::value(items.iter().collect::<toml_edit::Array>()),
        };
        let table = document.entry(section).or_insert_with(toml_edit::table);
        if let Some(table) = table.as_table_like_mut() {
            table.insert(name, value);
        }
    }
    let edited = document.to_string();
    Layers::defaults().lay_file(path, &edited)?;
    Ok(edited)
}

/// Changes settings in the home's file.
///
/// # Errors
/// If the file can't be read, is broken, or a value can't be.
pub fn edit_file(home: &Home, changes: &[(&'static Setting, Value)]) -> Result<(), ConfigError> {
    let path = home.config_file();
    let text = match files::read_text(&path, CONFIG_BYTES_MAX) {
        Err(e) if e.is_absent() => String::new(),
        read => read?,
    };
    let edited = edit(&path, &text, changes)?;
    Ok(files::write_private(&path, edited.as_bytes())?)
}

fn value_of(item: &Item) -> Option<Value> {
    if let Some(text) = item.as_str() {
        return Some(Value::Text(text.to_owned()));
    }
    let text = |value: &toml_edit::Value| value.as_str().map(str::to_owned);
    let items = item.as_array()?.iter().map(text).collect::<Option<_>>()?;
    Some(Value::List(items))
}

fn syntax(path: &Path, text: &str, e: &toml_edit::TomlError) -> ConfigError {
    ConfigError::Syntax {
        path: path.to_owned(),
        line: e.span().map_or(1, |span| line_of(text, span.start)),
        reason: e.message().trim().replace('\n', "; "),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.bytes().take(offset);
    before
        .filter(|&byte| byte == b'\n')
        .count()
        .saturating_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Layers, ConfigError> {
        let mut layers = Layers::defaults();
        layers.lay_file(Path::new("c"), text)?;
        Ok(layers)
    }

    #[test]
    fn the_higher_layer_wins_and_is_named() {
        let mut layers = file("[log]\nfilter = \"warn\"\nformat = \"json\"\n").unwrap();
        let env = [("OMNI_LOG_FILTER", "debug"), ("OMNI_API_HTTP", "[::1]:1")];
        layers.lay_environment(&env.into()).unwrap();
        let flag = Value::Text("trace".to_owned());
        layers.lay_flag("log.filter", flag, "--log").unwrap();
        let check = |key: &str, value: &str, origin: &str| {
            let (_, placed) = layers.iter().find(|(s, _)| s.key == key).unwrap();
            assert_eq!(placed.value, Value::Text(value.to_owned()));
            assert_eq!(placed.origin.to_string(), origin);
        };
        check("log.filter", "trace", "flag --log");
        check("log.format", "json", "c:3");
        check("api.http", "[::1]:1", "variable OMNI_API_HTTP");
        check("partner.country", "", "default");
    }

    #[test]
    fn hostile_files_are_refused_with_their_line() {
        let check = |text: &str, expected: &str| {
            let error = file(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{text:?}: {error}");
        };
        check("[log]\nfilter = ", "c:2 is not TOML");
        check("\u{0}", "c:1 is not TOML");
        check("[log]\nfilter = \"a\"\nfilter = \"b\"", "c:3 is not TOML");
        check("log = 1", "no setting log (c:1)");
        check("\n[net]\nlissen = []", "no setting net.lissen (c:3)");
        check("[api]\nhttp = 80", "neither a text");
        check("[api.http]\nx = 1", "neither a text");
        check("[net]\nlisten = \"/ip4/127.0.0.1/tcp/1\"", "it is a list");
        check("[net]\nlisten = [1]", "neither a text");
        check("[log]\nfilter = [\"info\"]", "one text, not a list");
        check(&"[".repeat(10_000), "is not TOML");
        check(
            &format!("a = {}{}", "[".repeat(10_000), "]".repeat(10_000)),
            "is not TOML",
        );
    }

    #[test]
    fn an_edit_keeps_comments_and_order() {
        let before =
            "# mine\n[log] # here\nfilter = \"info\" # as quiet as can be\nformat = \"json\"\n";
        let change = |key: &str, value: &str| {
            let setting = Setting::named(key).unwrap();
            (setting, setting.value_of_variable(value))
        };
        let changes = [
            change("log.format", "text"),
            change("partner.roles", "maker,carrier"),
        ];
        let after = edit(Path::new("c"), before, &changes).unwrap();
        let expected = "# mine\n[log] # here\nfilter = \"info\" # as quiet as can be\nformat = \"text\"\n\n\
                        [partner]\nroles = [\"maker\", \"carrier\"]\n";
        assert_eq!(after, expected);
    }

    #[test]
    fn hostile_edit_of_a_broken_file_changes_nothing() {
        let setting = Setting::named("log.format").unwrap();
        let value = Value::Text("json".to_owned());
        assert!(edit(Path::new("c"), "[log", &[(setting, value)]).is_err());
        let value = Value::Text("xml".to_owned());
        assert!(edit(Path::new("c"), "", &[(setting, value)]).is_err());
    }

    #[test]
    fn a_misspelt_variable_is_named() {
        let env = [
            ("OMNI_HOME", "/x"),
            ("OMNI_LOG_FILTER", "a"),
            ("OMNI_LOG_FILTR", "a"),
        ];
        assert_eq!(unknown_variables(&env.into()), ["OMNI_LOG_FILTR"]);
    }
}
