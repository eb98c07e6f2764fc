//! `node/API.md` tells the local API as it is: its table is held against the routes in the sources,
//! and its errors and documents are written from them (`API=overwrite` writes them anew).

use std::collections::{BTreeMap, BTreeSet};

use omni_node::api::ApiCode;

use crate::assert_tidy;
use crate::repo::{File, read, root, rust_files};

const PAGE: &str = "node/API.md";
/// What stands below this is written from the sources.
const BELOW: &str = "\n## Errors\n";
const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// What a request takes and gives, as a row of the page or as the sources have it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Route {
    parameters: BTreeSet<String>,
    /// Empty where the handler hands the body on.
    body: String,
    answer: String,
}

type Routes = BTreeMap<String, Route>;

/// The rows of the page's table.
fn rows(page: &str) -> Routes {
    let rows = page.lines().filter(|line| line.starts_with("| `"));
    let one = |line: &str| {
        let cells: Vec<_> = line
            .split(" |")
            .map(|c| c.trim_matches(['|', ' ']))
            .collect();
        let [request, _what, parameters, body, answer, ..] = cells.as_slice() else {
            panic!("{line}");
        };
        let plain = |cell: &str| cell.trim_matches(['`', '[', ']']).to_owned();
        let parameters = parameters
            .split(", ")
            .map(plain)
            .filter(|name| !name.is_empty());
        let route = Route {
            parameters: parameters.collect(),
            body: plain(body),
            answer: plain(answer),
        };
        (plain(request), route)
    };
    rows.map(one).collect()
}

/// The words of a text that end so.
fn ending<'a>(text: &'a str, end: &[&str]) -> Option<&'a str> {
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.find(|word| {
        end.iter()
            .any(|end| word.len() > end.len() && word.ends_with(end))
    })
}

/// The text of a struct or function from its name to the end of its block.
fn block<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let from = text.find(beginning)?;
    let rest = text.get(from..)?;
    rest.get(..rest.find("\n}\n")?)
}

/// The routes of the API's files.
fn routes(files: &[File]) -> Routes {
    let mut found = Routes::new();
    for file in files {
        for route in file.text.split(".route(\"").skip(1) {
            let (path, rest) = route.split_once('"').expect("a path ends");
            let line = rest.lines().next().unwrap_or_default();
            for method in METHODS {
                let Some((_, after)) = line.split_once(&format!("{method}(")) else {
                    continue;
                };
                let handler = after.split(')').next().unwrap_or_default();
                let route = handled(&file.text, handler, files);
                found.insert(format!("{} {path}", method.to_uppercase()), route);
            }
        }
    }
    found
}

/// What a handler says of itself.
fn handled(text: &str, handler: &str, files: &[File]) -> Route {
    let code = block(text, &format!("async fn {handler}(")).expect("a handler");
    let query = match code.contains("Query<Ask>") {
        true => Some("Ask"),
        false => ending(code, &["Query"]),
    };
    let fields = query.and_then(|name| {
        // `listing::ListQuery` stands in listing.rs.
        let module = code
            .split(&format!("::{name}"))
            .next()
            .filter(|rest| rest.len() < code.len());
        let module = module.and_then(|rest| rest.rsplit([' ', '<', '(']).next());
        let other = module.and_then(|module| {
            let end = format!("/{module}.rs");
            files.iter().find(|file| file.path.ends_with(&end))
        });
        block(
            other.map_or(text, |file| &file.text),
            &format!("struct {name} {{\n"),
        )
    });
    let fields = fields.unwrap_or_default().lines().skip(1);
    let fields = fields.filter_map(|line| {
        let (name, _) = line.trim().split_once(": ")?;
        let name = name.rsplit(' ').next()?;
        (!line.trim().starts_with("//")).then(|| name.to_owned())
    });
    Route {
        parameters: fields.collect(),
        body: match code.contains("body: Bytes") {
            true => ending(code, &["Ask", "Change"])
                .unwrap_or_default()
                .to_owned(),
            false => String::new(),
        },
        answer: ending(code, &["View"]).unwrap_or_default().to_owned(),
    }
}

/// Holds the page's rows against the sources.
fn complaints(page: &Routes, sources: &Routes) -> Vec<String> {
    let mut complaints = Vec::new();
    for (request, told) in page {
        let Some(is) = sources.get(request) else {
            complaints.push(format!("{PAGE}: there is no {request}"));
            continue;
        };
        if told.parameters != is.parameters {
            complaints.push(format!("{PAGE}: {request} takes {:?}", is.parameters));
        }
        if told.answer != is.answer {
            complaints.push(format!("{PAGE}: {request} answers {}", is.answer));
        }
        if !is.body.is_empty() && told.body != is.body {
            complaints.push(format!("{PAGE}: the body of {request} is {}", is.body));
        }
    }
    let missing = sources
        .keys()
        .filter(|request| !page.contains_key(*request));
    complaints.extend(missing.map(|request| format!("{PAGE}: {request} is missing")));
    complaints
}

/// A document of the API: a struct, or an enum whose values are words.
#[derive(Debug, Default)]
struct Document {
    about: String,
    is_enum: bool,
    /// Name, type and meaning.
    fields: Vec<[String; 3]>,
}

/// The documents of a file of views, which rustfmt has laid out.
fn documents(text: &str, found: &mut BTreeMap<String, Document>) {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let (mut about, mut open) = (String::new(), None::<(String, Document)>);
    let mut attribute = String::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with("#[") {
            attribute = trimmed.to_owned();
        } else if let Some(words) = trimmed.strip_prefix("///") {
            let words = words.replace("[`", "`").replace("`]", "`");
            about = format!("{about}{words}").trim_start().to_owned();
        } else if line == "}" {
            found.extend(open.take());
            about.clear();
        } else if let Some((kind, rest)) = line
            .strip_prefix("pub ")
            .and_then(|rest| rest.split_once(' '))
            .filter(|(kind, rest)| matches!(*kind, "struct" | "enum") && rest.ends_with(" {"))
        {
            let name = rest.trim_end_matches(" {").to_owned();
            let document = Document {
                about: std::mem::take(&mut about),
                is_enum: kind == "enum",
                fields: Vec::new(),
            };
            open = Some((name, document));
        } else if let Some((_, document)) = &mut open {
            let field = trimmed
                .strip_prefix("pub ")
                .and_then(|rest| rest.split_once(": "));
            let is_variant =
                document.is_enum && line.starts_with("    ") && !line.starts_with("     ");
            if let Some((name, kind)) = field {
                let kind = kind.trim_end_matches(',').to_owned();
                let name = match attribute.as_str() {
                    // Its fields stand here themselves.
                    "#[serde(flatten)]" => "…",
                    "#[serde(rename = \"type\")]" => "type",
                    _ => name,
                };
                let about = std::mem::take(&mut about);
                document.fields.push([name.to_owned(), kind, about]);
                attribute.clear();
            } else if is_variant && trimmed.starts_with(|c: char| c.is_ascii_uppercase()) {
                let name = trimmed.trim_end_matches([',', ' ', '{']);
                document
                    .fields
                    .push([kebab(name), String::new(), std::mem::take(&mut about)]);
            } else if document.is_enum {
                about.clear();
            }
        } else {
            about.clear();
        }
    }
}

/// `InHome` as `in-home`, which is how words are written in JSON.
fn kebab(name: &str) -> String {
    let mut word = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(c.to_ascii_lowercase());
    }
    word
}

/// A type in words; documents stay names.
fn kind(rust: &str) -> String {
    let inner = |outer: &str| {
        rust.strip_prefix(outer)?
            .strip_prefix('<')?
            .strip_suffix('>')
    };
    if let Some(inner) = inner("Option") {
        return format!("{}, or nothing", kind(inner));
    }
    if let Some(inner) = inner("Vec") {
        return format!("list of {}", kind(inner));
    }
    match rust {
        "String" | "PathBuf" | "SocketAddr" => "text".to_owned(),
        "bool" => "true or false".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "i64" | "usize" => "number".to_owned(),
        name => format!(
            "`{}`",
            name.trim_start_matches("Box<").trim_end_matches('>')
        ),
    }
}

/// All that is written from the sources.
fn written(page: &Routes, all: &BTreeMap<String, Document>) -> String {
    let mut text = "\nA refusal is a problem document (RFC 9457), `ProblemView`. `code` is stable: one of these, or of \
                    the market's own in SPEC.md 18 with the status 409 or 422.\n\n| code | status | |\n| --- | --- | --- |\n"
        .to_owned();
    for code in ApiCode::ALL {
        let row = format!(
            "| `{}` | {} | {} |\n",
            code.word(),
            code.status().as_u16(),
            code.title()
        );
        text.push_str(&row);
    }
    text.push_str(
        "\n## Documents\n\nFields that may be nothing may be left out of what is sent.\n",
    );
    let named = page.values().flat_map(|route| [&route.body, &route.answer]);
    let mut wanted: BTreeSet<String> = named.cloned().collect();
    wanted.insert("ProblemView".to_owned());
    loop {
        let inner = wanted.iter().filter_map(|name| all.get(name));
        let inner = inner
            .flat_map(|document| &document.fields)
            .flat_map(|[_, kind, _]| {
                let words = kind.split(|c: char| !c.is_ascii_alphanumeric());
                words
                    .filter(|word| all.contains_key(*word))
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            });
        let more: BTreeSet<String> = inner.chain(wanted.iter().cloned()).collect();
        if more == wanted {
            break;
        }
        wanted = more;
    }
    for name in wanted.iter().filter(|name| !name.is_empty()) {
        let document = all
            .get(name)
            .unwrap_or_else(|| panic!("no document {name}"));
        text.push_str(&format!("\n### `{name}`\n\n{}\n\n", document.about));
        text.push_str(match document.is_enum {
            true => "| word | |\n| --- | --- |\n",
            false => "| field | type | |\n| --- | --- | --- |\n",
        });
        for [field, rust, about] in &document.fields {
            let kind = match document.is_enum {
                true => String::new(),
                false => format!(" {} |", kind(rust)),
            };
            text.push_str(&format!("| `{field}` |{kind} {about} |\n"));
        }
    }
    text
}

#[test]
fn the_reference_of_the_api_is_true() {
    let page = read(PAGE);
    let files = rust_files();
    let of = |beginning: &str| {
        let wanted = |file: &&File| file.path.starts_with(beginning);
        let copy = |file: &File| File {
            path: file.path.clone(),
            text: file.text.clone(),
        };
        files.iter().filter(wanted).map(copy).collect::<Vec<_>>()
    };
    let (above, below) = page.split_once(BELOW).expect("it has errors");
    let told = rows(above);
    let sources = routes(&of("node/src/api"));
    assert!(sources.len() > 40, "{sources:?}");
    assert_tidy(&complaints(&told, &sources));
    let mut all = BTreeMap::new();
    for file in of("node/src/view") {
        documents(&file.text, &mut all);
    }
    let now = written(&told, &all);
    if std::env::var("API").is_ok_and(|how| how == "overwrite") {
        std::fs::write(root().join(PAGE), format!("{above}{BELOW}{now}")).expect("written");
    } else {
        assert_eq!(below, now, "write it anew: API=overwrite, with this test");
    }
}

#[test]
fn a_page_that_is_wrong_is_refused() {
    let file = |text: &str| File {
        path: "node/src/api/x.rs".to_owned(),
        text: text.to_owned(),
    };
    let source = "fn routes() {\n        .route(\"/v1/x\", get(show).post(make))\n}\n\
                  struct XQuery {\n    /// What.\n    limit: Option<String>,\n}\n\
                  async fn show(given: Params) -> Result<Json<XView>, Problem> {\n    let q: XQuery = params(given)?;\n}\n\
                  async fn make(body: Bytes) -> Json<XView> {\n    let ask: XAsk = json(&body)?;\n}\n";
    let sources = routes(&[file(source)]);
    let check = |page: &str, words: &str| {
        let found = complaints(&rows(page), &sources);
        assert!(
            found.iter().any(|f| f.contains(words)),
            "{words}: {found:?}"
        );
    };
    let good =
        "| `GET /v1/x` | w | `limit` | | `XView` |\n| `POST /v1/x` | w | | `XAsk` | `XView` |\n";
    assert_eq!(complaints(&rows(good), &sources), Vec::<String>::new());
    check(&good.replace("`limit`", ""), "takes {\"limit\"}");
    check(
        &good.replace("`XAsk`", "`YAsk`"),
        "the body of POST /v1/x is XAsk",
    );
    check(&good.replace("`XView`", "`YView`"), "answers XView");
    check(
        &good.replace("GET /v1/x", "GET /v1/y"),
        "there is no GET /v1/y",
    );
    check(
        &good.replace("GET /v1/x", "GET /v1/y"),
        "GET /v1/x is missing",
    );
}
