//! Reads the cells of one row and judges them: a draft, or the first thing that is wrong. Knows nothing of other rows.

use std::borrow::Cow;

use omni_protocol::limits::{
    ATTRIBUTES_MAX, LIST_BYTES_MAX, MEDIA_MAX, NAME_BYTES_MAX, PROSE_BYTES_MAX, SKU_BYTES_MAX,
    TITLE_BYTES_MAX, URL_BYTES_MAX,
};

use omni_protocol::value::{Gtin, Invalid};

use csv::ByteRecord;

use super::{
    decimal::{Decimal, NumberFault},
    draft::{Category, Draft},
    field::Field,
    options::Options,
    plan::{Header, Plan},
    problem::{Reason, excerpt},
    row::{Cell, Flaw, Row},
    slots, terms, text,
};

/// Why a row gives no draft.
#[derive(Debug)]
pub(super) enum Judged {
    WithoutPrice(Flaw),
    Refused(Flaw),
}

impl From<Flaw> for Judged {
    fn from(flaw: Flaw) -> Self {
        Self::Refused(flaw)
    }
}

/// Limits of texts in an offer that have no name in the protocol, in bytes: SPEC 8.1.
const MPN_BYTES_MAX: usize = 70;
const CATEGORY_BYTES_MAX: usize = 128;
const LANGUAGE_BYTES_MAX: usize = 16;
const ATTRIBUTE_NAME_BYTES_MAX: usize = 64;
const ATTRIBUTE_VALUE_BYTES_MAX: usize = 256;
/// One of an offer's media may be the article's page.
const IMAGES_MAX: usize = MEDIA_MAX - 1;
// Sentences below say these limits in figures.
const _: () = assert!(IMAGES_MAX == 15 && ATTRIBUTES_MAX == 64 && URL_BYTES_MAX == 512);

/// One row with all that is needed to read it.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub(super) row: &'a Row<'a>,
    pub(super) plan: &'a Plan,
    pub(super) options: &'a Options,
    /// What was left out of the draft.
    pub(super) notes: Vec<Flaw>,
}

/// A value that a row or a flag gives for a field.
#[derive(Clone, Debug)]
pub(super) struct Value<'a> {
    /// The column's name, or the flag.
    pub(super) from: Cow<'a, str>,
    pub(super) text: Cow<'a, str>,
    pub(super) form: Form,
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Text,
    JsonNumber,
}

impl Value<'_> {
    pub(super) fn flaw(&self, reason: Reason) -> Flaw {
        Flaw {
            column: self.from.clone().into_owned(),
            excerpt: excerpt(&self.text),
            reason,
        }
    }

    pub(super) fn number(&self, options: &Options) -> Result<Decimal, Flaw> {
        let read = match self.form {
            Form::JsonNumber => Decimal::from_json(&self.text),
            Form::Text => Decimal::from_text(&self.text, options.separator),
        };
        read.map_err(|fault| self.flaw(Reason::Number(fault)))
    }
}

/// The article number of a row, as far as it can be read: problems name it.
pub(super) fn sku(bench: &Bench<'_>) -> Result<String, Flaw> {
    let Some(value) = bench.value(Field::Sku)? else {
        return Err(bench.missing(Field::Sku));
    };
    if value.form == Form::JsonNumber && value.text.contains(['e', 'E']) {
        return Err(value.flaw(Reason::Number(NumberFault::Shortened)));
    }
    Ok(bounded(&value, SKU_BYTES_MAX)?.into_owned())
}

/// Judges a row. An empty price is said before all else: such rows are mostly remnants, and nobody
/// wants to hear what more is wrong with them.
pub(super) fn draft(bench: &mut Bench<'_>, sku: Result<String, Flaw>) -> Result<Draft, Judged> {
    let Some(price) = bench.value(Field::Price)? else {
        let mut flaw = bench.missing(Field::Price);
        if flaw.reason == Reason::Empty(Field::Price) {
            flaw.reason = Reason::NoPrice;
        }
        return Err(Judged::WithoutPrice(flaw));
    };
    let sku = sku?;
    let Some(title) = bench.value(Field::Title)? else {
        return Err(bench.missing(Field::Title).into());
    };
    let title = bounded(&title, TITLE_BYTES_MAX)?.into_owned();
    let nature = terms::nature(bench)?;
    let unit = terms::unit(bench, nature)?;
    let price = terms::price(bench, &price, &unit)?;
    let quantities = terms::quantities(bench, &unit)?;
    let duration = terms::duration(bench, nature)?;
    Ok(Draft {
        sku,
        list: bench.required_text(Field::List, LIST_BYTES_MAX)?,
        nature,
        title,
        description: bench.description()?,
        language: bench.language()?,
        brand: bench.optional_text(Field::Brand, NAME_BYTES_MAX)?,
        gtin: bench.gtin()?,
        mpn: bench.optional_text(Field::Mpn, MPN_BYTES_MAX)?,
        category: bench.category()?,
        attributes: bench.attributes()?,
        group: bench.optional_text(Field::Group, NAME_BYTES_MAX)?,
        images: bench.images()?,
        page: bench.page()?,
        currency: price.currency.code().to_owned(),
        minor: price.minor,
        per: price.per,
        tiers: price.tiers,
        suggested: price.suggested,
        commission: terms::commission(bench)?,
        tax: terms::code_of(bench, Field::Tax, "one to three letters or digits", 1..=3)?,
        increment: quantities.increment,
        minimum: quantities.minimum,
        maximum: quantities.maximum,
        stock: terms::stock(bench, &unit)?,
        unit,
        methods: terms::methods(bench, nature)?,
        regions: terms::regions(bench)?,
        lead: terms::lead(bench)?,
        incoterm: terms::code_of(
            bench,
            Field::Incoterm,
            "three letters (Incoterms 2020)",
            3..=3,
        )?,
        duration,
        calendar: slots::calendar(bench, duration)?,
        white_label: terms::white_label(bench)?,
    })
}

/// Whether what the user set for rows that say nothing can be read: else each row would fail, at the same thing.
pub(super) fn constants(options: &Options) -> Result<(), Flaw> {
    let constants = Options {
        values: options.values.clone(),
        separator: options.separator,
        ..Options::default()
    };
    let is_service =
        constants.value(Field::Duration).is_some() && constants.value(Field::Nature).is_none();
    let nature = if is_service { "service" } else { "" };
    let currency = if constants.value(Field::Currency).is_none() {
        "EUR"
    } else {
        ""
    };
    let columns = ["sku", "title", "price", "currency"]
        .map(str::to_owned)
        .to_vec();
    let sample = ByteRecord::from(vec!["sku", "title", "1", currency, nature]);
    let plan = Plan::new(columns, Header::ForAll, &constants).unwrap_or_default();
    let mut bench = Bench {
        row: &Row::Table(&sample),
        plan: &plan,
        options: &constants,
        notes: vec![],
    };
    let sku = sku(&bench);
    match draft(&mut bench, sku) {
        Ok(_) => bench.notes.into_iter().next().map_or(Ok(()), Err),
        Err(Judged::Refused(flaw) | Judged::WithoutPrice(flaw)) => Err(flaw),
    }
}

/// A value's text on one line, refused if too long.
fn bounded<'v>(value: &'v Value<'_>, most: usize) -> Result<Cow<'v, str>, Flaw> {
    let line = text::line(&value.text).map_err(|reason| value.flaw(reason))?;
    if line.len() > most {
        return Err(value.flaw(Reason::TooLong {
            found: line.len(),
            most,
        }));
    }
    Ok(line)
}

impl<'a> Bench<'a> {
    /// The first value that a column gives for the field, else the one that the user set.
    pub(super) fn value(&self, field: Field) -> Result<Option<Value<'a>>, Flaw> {
        for &column in self.plan.of(field) {
            if let Some(value) = self.cell(column)? {
                return Ok(Some(value));
            }
        }
        let set = self.options.value(field).filter(|v| !v.trim().is_empty());
        Ok(set.map(|text| Value {
            from: Cow::Owned(format!("--set {field}")),
            text: Cow::Borrowed(text.trim()),
            form: Form::Text,
        }))
    }

    fn cell(&self, column: usize) -> Result<Option<Value<'a>>, Flaw> {
        let from = Cow::Borrowed(self.plan.name(column));
        let flaw = |reason, excerpt| Flaw {
            column: self.plan.name(column).to_owned(),
            excerpt,
            reason,
        };
        let (text, form) = match self.row.cell(column) {
            Cell::Empty => return Ok(None),
            Cell::Number(text) => {
                return Ok(Some(Value {
                    from,
                    text: Cow::Borrowed(text),
                    form: Form::JsonNumber,
                }));
            }
            Cell::Text(text) => (text, Form::Text),
            Cell::List(items) => (Cow::Owned(items.join(", ")), Form::Text),
            Cell::Bad { reason, excerpt } => return Err(flaw(reason, excerpt)),
        };
        let judged = text::judge_formula(&text).map_err(|reason| flaw(reason, excerpt(&text)))?;
        let text = if judged.len() == text.len() {
            text
        } else {
            Cow::Owned(judged.to_owned())
        };
        Ok(Some(Value { from, text, form }))
    }

    /// The column of a field for problems: its name in the file, or the field's word where no column gives it.
    fn column(&self, field: Field) -> String {
        self.plan
            .of(field)
            .first()
            .map_or_else(|| field.to_string(), |c| self.plan.name(*c).to_owned())
    }

    pub(super) fn missing(&self, field: Field) -> Flaw {
        let reason = if self.plan.of(field).is_empty() {
            Reason::Missing(field)
        } else {
            Reason::Empty(field)
        };
        Flaw {
            column: self.column(field),
            excerpt: String::new(),
            reason,
        }
    }

    pub(super) fn note(&mut self, flaw: Flaw) {
        self.notes.push(flaw);
    }

    /// A text without which the offer would be another one: refused if too long.
    fn required_text(&self, field: Field, most: usize) -> Result<String, Flaw> {
        match self.value(field)? {
            Some(value) => Ok(bounded(&value, most)?.into_owned()),
            None => Ok(String::new()),
        }
    }

    /// A text without which the offer is still the same: left out if too long.
    fn optional_text(&mut self, field: Field, most: usize) -> Result<String, Flaw> {
        let Some(value) = self.value(field)? else {
            return Ok(String::new());
        };
        match bounded(&value, most) {
            Ok(line) => Ok(line.into_owned()),
            Err(Flaw {
                reason: Reason::TooLong { .. },
                ..
            }) => {
                self.note(value.flaw(Reason::LeftOut("too long")));
                Ok(String::new())
            }
            Err(flaw) => Err(flaw),
        }
    }

    fn description(&mut self) -> Result<String, Flaw> {
        let Some(value) = self.value(Field::Description)? else {
            return Ok(String::new());
        };
        let is_html = super::field::plain(&value.from).contains("html");
        let plain = if is_html {
            Cow::Owned(text::without_tags(&value.text))
        } else {
            value.text.clone()
        };
        let prose = text::prose(&plain).map_err(|reason| value.flaw(reason))?;
        if prose.len() <= PROSE_BYTES_MAX {
            return Ok(prose);
        }
        self.note(value.flaw(Reason::Cut(PROSE_BYTES_MAX)));
        Ok(text::cut(&prose, PROSE_BYTES_MAX).to_owned())
    }

    fn language(&self) -> Result<String, Flaw> {
        let Some(value) = self.value(Field::Language)? else {
            return Ok(String::new());
        };
        let is_tag = |t: &str| {
            t.split('-')
                .all(|s| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()))
        };
        if value.text.len() > LANGUAGE_BYTES_MAX || !is_tag(&value.text) {
            return Err(value.flaw(Reason::NotOfForm(
                "of a BCP 47 language tag, as de or pt-BR",
            )));
        }
        Ok(value.text.into_owned())
    }

    fn gtin(&mut self) -> Result<Option<u64>, Flaw> {
        let Some(value) = self.value(Field::Gtin)? else {
            return Ok(None);
        };
        match gtin(&value.text) {
            Ok(gtin) => Ok(Some(gtin)),
            Err(why) => {
                self.note(value.flaw(Reason::BadGtin(why)));
                Ok(None)
            }
        }
    }

    fn category(&mut self) -> Result<Option<Category>, Flaw> {
        let Some(value) = self.value(Field::Category)? else {
            return Ok(None);
        };
        let line = text::line(&value.text).map_err(|reason| value.flaw(reason))?;
        let segments: Vec<&str> = line
            .split('>')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .collect();
        let code = segments.join(" > ");
        if code.is_empty() || code.len() > CATEGORY_BYTES_MAX {
            self.note(value.flaw(Reason::LeftOut("too long, or without a word")));
            return Ok(None);
        }
        let name = super::field::plain(&value.from);
        let scheme = if name.contains("google product category") {
            "google"
        } else {
            "own"
        };
        Ok(Some(Category { scheme, code }))
    }

    fn images(&mut self) -> Result<Vec<String>, Flaw> {
        let Some(value) = self.value(Field::Image)? else {
            return Ok(vec![]);
        };
        let mut images: Vec<String> = vec![];
        for address in addresses(&value.text) {
            if !is_address(address) {
                self.note(value.flaw(Reason::LeftOut(
                    "not an http or https address of at most 512 bytes",
                )));
            } else if images.len() == IMAGES_MAX {
                self.note(value.flaw(Reason::LeftOut("one of more than 15")));
                break;
            } else if !images.iter().any(|i| i == address) {
                images.push(address.to_owned());
            }
        }
        Ok(images)
    }

    fn page(&mut self) -> Result<String, Flaw> {
        let Some(value) = self.value(Field::Page)? else {
            return Ok(String::new());
        };
        if is_address(value.text.trim()) {
            return Ok(value.text.trim().to_owned());
        }
        self.note(value.flaw(Reason::LeftOut(
            "not an http or https address of at most 512 bytes",
        )));
        Ok(String::new())
    }

    fn attributes(&mut self) -> Result<Vec<(String, String)>, Flaw> {
        let mut attributes: Vec<(String, String)> = vec![];
        for &column in self.plan.attributes() {
            let Some(value) = self.cell(column)? else {
                continue;
            };
            let line = text::line(&value.text)
                .map_err(|reason| value.flaw(reason))?
                .into_owned();
            let name = text::line(&value.from).map_or_else(|_| String::new(), Cow::into_owned);
            let left_out = if attributes.len() == ATTRIBUTES_MAX {
                Some("one of more than 64 attributes")
            } else if name.is_empty()
                || name.len() > ATTRIBUTE_NAME_BYTES_MAX
                || line.len() > ATTRIBUTE_VALUE_BYTES_MAX
            {
                Some("an attribute without a name, or one that is too long")
            } else if attributes.iter().any(|(n, _)| *n == name) {
                Some("an attribute of the same name stands before it")
            } else {
                None
            };
            match left_out {
                Some(why) => self.note(value.flaw(Reason::LeftOut(why))),
                None => attributes.push((name, line)),
            }
        }
        Ok(attributes)
    }
}

/// The addresses in a cell that holds one or several: each begins where a scheme begins, since commas may stand within them.
fn addresses(cell: &str) -> Vec<&str> {
    let mut starts: Vec<usize> = cell.match_indices("http").map(|(i, _)| i).collect();
    starts.retain(|&i| {
        cell.get(i..)
            .is_some_and(|t| t.starts_with("http://") || t.starts_with("https://"))
    });
    starts.retain(|&i| {
        cell.get(..i).is_some_and(|t| {
            t.is_empty() || t.ends_with(|c: char| c.is_whitespace() || ",;|".contains(c))
        })
    });
    if starts.first() != Some(&0) {
        return vec![cell.trim()];
    }
    let ends = starts.iter().skip(1).copied().chain([cell.len()]);
    let part = |(&start, end): (&usize, usize)| cell.get(start..end).unwrap_or_default();
    let is_between = |c: char| c.is_whitespace() || ",;|".contains(c);
    starts
        .iter()
        .zip(ends)
        .map(part)
        .map(|a| a.trim_end_matches(is_between))
        .collect()
}

fn is_address(text: &str) -> bool {
    let after = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let is_clean = !text.contains(|c: char| c.is_whitespace() || c.is_control());
    after.is_some_and(|a| !a.is_empty()) && is_clean && text.len() <= URL_BYTES_MAX
}

/// A GTIN from its text; spaces and hyphens may divide it.
fn gtin(text: &str) -> Result<u64, &'static str> {
    let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    if !matches!(digits.len(), 8 | 12 | 13 | 14) {
        return Err("needs 8, 12, 13 or 14 digits");
    }
    let gtin: Result<Gtin, Invalid> = digits.parse();
    gtin.map(Gtin::get)
        .map_err(|_wrong| "ends in a check digit, and this one does not fit")
}
