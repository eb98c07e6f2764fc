//! The same rows in all shapes give the same; repeats, conflicts and rows without a price are told apart and all counted.

use omni_node::formats::draft::{Draft, WhiteLabel};
use omni_protocol::trade::{Method, Nature};

use crate::{gzip, options, read, read_all};

const CSV: &str = "sku,title,price,currency,stock\nA1,\"Lamp, small\",12.50,EUR,3\nA2,\"Chair\n\"\"Oak\"\"\",99,EUR,\n";

fn check_same(name: &str, content: impl AsRef<[u8]>, shape: &str) {
    let expected = read("a.csv", CSV, options(&[])).drafts;
    let outcome = read(name, content, options(&[]));
    assert_eq!(outcome.fault(), None, "{name}");
    assert_eq!(
        outcome.reports[0].shape.map(|s| s.word()),
        Some(shape),
        "{name}"
    );
    assert_eq!(outcome.drafts, expected, "{name}");
}

#[test]
fn shapes_are_told_by_content() {
    let object = |sku, title, rest| {
        format!("{{\"sku\":\"{sku}\",\"title\":\"{title}\",{rest},\"currency\":\"EUR\"}}")
    };
    let lamp = object("A1", "Lamp, small", "\"price\":12.50,\"stock\":3");
    let chair = object("A2", "Chair \\\"Oak\\\"", "\"price\":\"99\",\"stock\":null");
    let array = format!("[{lamp},\n{chair}]");
    let lines = format!("{lamp}\n\n{chair}");
    let document = format!(
        "{{\"shop\":{{\"a\":[[1]]}},\"count\":2,\"products\":[{lamp},{chair}],\"page\":null}}"
    );
    for (name, content, shape) in [
        ("a.csv", CSV.to_owned(), "csv"),
        ("bom.csv", format!("\u{feff}{CSV}"), "csv"),
        (
            "semicolon.csv",
            CSV.replace(',', ";").replace("Lamp;", "Lamp,"),
            "csv",
        ),
        (
            "tab.csv",
            CSV.replace(',', "\t").replace("Lamp\t", "Lamp,"),
            "csv",
        ),
        (
            "pipe.txt",
            CSV.replace(',', "|").replace("Lamp|", "Lamp,"),
            "csv",
        ),
        (
            "sep.csv",
            format!("sep=;\n{}", CSV.replace(',', ";").replace("Lamp;", "Lamp,")),
            "csv",
        ),
        ("crlf.csv", CSV.replace('\n', "\r\n"), "csv"),
        ("array.json", array.clone(), "json"),
        ("array.txt", format!("\u{feff} {array}"), "json"),
        ("document.json", document, "json"),
        ("lines.jsonl", lines.clone(), "jsonl"),
        ("lines.json", lines.replace('\n', "\r\n"), "jsonl"),
    ] {
        check_same(name, &content, shape);
        check_same(&format!("{name}.gz"), gzip(content.as_bytes()), shape);
        check_same("no-name", gzip(content.as_bytes()), shape);
    }
    // Two gzip members are one file, as gzip itself has it.
    let (a, b) = CSV.split_at(20);
    check_same(
        "two.csv.gz",
        [gzip(a.as_bytes()), gzip(b.as_bytes())].concat(),
        "csv",
    );
    check_same("not-gzip.csv.gz", CSV, "csv");
}

#[test]
fn a_list_may_be_chosen() {
    let row = "{\"sku\":\"A\",\"title\":\"T\",\"price\":1,\"currency\":\"EUR\"}";
    let mut options = options(&[]);
    options.rows_from = Some("items".to_owned());
    let outcome = read(
        "a.json",
        format!("{{\"other\":[{row},{row}],\"items\":[{row}]}}"),
        options,
    );
    assert_eq!(
        (outcome.fault(), outcome.counts()),
        (None, [1, 0, 0, 0, 0, 0])
    );
}

#[test]
fn rows_are_numbered_as_an_editor_shows_them() {
    let rows = "A,T,1\n\"B\n\",T,x\nC,T,x\n";
    for content in [
        format!("sku,title,price\n{rows}"),
        format!("sku,title,price\r\n{}", rows.replace('\n', "\r\n")),
        format!("sku,title,price\r{}", rows.replace('\n', "\r")),
        format!("sku,title,price\r\n{rows}"),
    ] {
        let outcome = read("a.csv", &content, options(&["currency=EUR"]));
        assert_eq!(
            outcome.told(),
            ["3 price not-a-number", "5 price not-a-number"],
            "{content:?}"
        );
    }
    let outcome = read(
        "a.csv",
        "\n\nsku,title,price\n\n\nA,T,x\n",
        options(&["currency=EUR"]),
    );
    assert_eq!(outcome.told(), ["6 price not-a-number"]);
    let outcome = read(
        "a.csv",
        format!("sep=,\nsku,title,price\n{rows}"),
        options(&["currency=EUR"]),
    );
    assert_eq!(
        outcome.told(),
        ["4 price not-a-number", "6 price not-a-number"]
    );
    let outcome = read(
        "a.jsonl",
        "\n{\"sku\":\"A\"}\n\n{\"sku\":\"B\"}\n",
        options(&[]),
    );
    assert_eq!(outcome.told(), ["2 price missing", "4 price missing"]);
    let outcome = read(
        "a.json",
        "[{\"sku\":\"A\"},\n{\"sku\":\"B\",\"price\":\"\"}]",
        options(&[]),
    );
    assert_eq!(outcome.told(), ["1 price missing", "2 price no-price"]);
}

#[test]
fn repeats_and_conflicts_over_files() {
    let first = "sku,title,price\nA,T,1\nA,T,1.00\nA,T,2\nA,T,\nB,T,1\n,T,1\n";
    let second =
        "[{\"sku\":\"A\",\"title\":\"T\",\"price\":1},{\"sku\":\"B\",\"title\":\"U\",\"price\":3}]";
    let files = [("a.csv", first.as_bytes()), ("b.json", second.as_bytes())];
    let outcome = read_all(&files, options(&["currency=EUR"]));
    assert_eq!(outcome.counts(), [2, 2, 2, 1, 1, 0]);
    let sentences: Vec<String> = outcome
        .problems
        .iter()
        .map(|p| p.reason.to_string())
        .collect();
    assert!(
        sentences[0].starts_with("has the same content as row 2 of "),
        "{sentences:?}"
    );
    assert!(
        sentences[1] == "differs in price from row 2 of this file, which stands",
        "{sentences:?}"
    );
    assert!(
        sentences[5].starts_with("differs in title, price from row 6 of "),
        "{sentences:?}"
    );
    assert!(
        sentences[5].ends_with("a.csv, which stands"),
        "{sentences:?}"
    );
}

#[test]
fn an_article_may_stand_in_two_price_lists() {
    let content = "sku,title,price,list\nA,T,1,\nA,T,2,dealers\nA,T,2,dealers\n";
    let outcome = read("a.csv", content, options(&["currency=EUR"]));
    assert_eq!(outcome.counts(), [2, 1, 0, 0, 0, 0]);
}

#[test]
fn texts_are_made_to_fit() {
    let content = "sku;title;price;description;brand\n A \u{a0};\"Lamp\tsmall\r\n red\";1;\" a\r\nb \";\"x\u{2028}y\"\n";
    let draft = &read("a.csv", content, options(&["currency=EUR"])).drafts[0];
    let found = (
        &*draft.sku,
        &*draft.title,
        &*draft.description,
        &*draft.brand,
    );
    assert_eq!(found, ("A", "Lamp small red", "a\nb", "x y"));
    let long = "ü".repeat(3_000);
    let outcome = read(
        "a.csv",
        format!("sku,title,price,description\nA,T,1,{long}\n"),
        options(&["currency=EUR"]),
    );
    assert_eq!(outcome.drafts[0].description.len(), 4096);
    assert_eq!(outcome.told(), ["2 description cut"]);
    let outcome = read(
        "a.csv",
        "sku,title,price\n=\"00123\",T,1\n",
        options(&["currency=EUR"]),
    );
    assert_eq!(outcome.drafts[0].sku, "00123");
}

#[test]
fn slots_of_services() {
    let read = |duration: &str, slot: &str| {
        let columns =
            "sku,title,price,currency,nature,duration,slot rule,slot start,slot zone,slot places";
        let row = format!("A,Wall mounting,59,EUR,service,{duration},{slot}");
        let mut outcome = read(
            "a.csv",
            format!(
                "{columns}
{row}
"
            ),
            options(&[]),
        );
        match outcome.drafts.pop() {
            Some(draft) => Ok(draft.calendar),
            None => Err(outcome.told().remove(0)),
        }
    };
    let day = "2027-03-01T08:00,Europe/Berlin";
    let calendar = read("90", &format!("\"FREQ=WEEKLY;BYDAY=MO,TH\",{day},2"));
    let calendar = calendar.expect("is read").expect("a calendar");
    assert_eq!(
        (&*calendar.rule, calendar.capacity),
        ("FREQ=WEEKLY;BYDAY=MO,TH", 2)
    );
    let calendar = read("90", &format!("FREQ=DAILY,{day},"));
    assert_eq!(calendar.expect("is read").map(|c| c.capacity), Some(1));
    assert_eq!(read("90", ",,,"), Ok(None));
    for (duration, slot, told) in [
        (
            "90",
            "FREQ=HOURLY,2027-03-01T08:00,Europe/Berlin,2",
            "slot rule bad-slot",
        ),
        (
            "90",
            "FREQ=DAILY,tomorrow,Europe/Berlin,2",
            "slot start bad-slot",
        ),
        (
            "90",
            "FREQ=DAILY,2027-03-01T08:00,Berlin,2",
            "slot zone bad-slot",
        ),
        (
            "90",
            "FREQ=DAILY,2027-03-01T08:00,Europe/Berlin,0",
            "slot places bad-slot",
        ),
        ("90", "FREQ=DAILY,2027-03-01T08:00,,2", "slot zone empty"),
        (
            "0",
            "FREQ=DAILY,2027-03-01T08:00,Europe/Berlin,2",
            "slot rule bad-slot",
        ),
        (
            "",
            "FREQ=DAILY,2027-03-01T08:00,Europe/Berlin,2",
            "slot rule out-of-range",
        ),
    ] {
        let found = read(duration, slot).expect_err(slot);
        assert!(found.ends_with(told), "{slot}: {found}");
    }
}

fn service(flags: &[&str]) -> Result<Draft, String> {
    let content =
        "sku,title,price,currency,nature,stock,duration\nA,Wall mounting,59,EUR,service,32,90\n";
    let mut outcome = read("a.csv", content, options(flags));
    match outcome.drafts.pop() {
        Some(draft) => Ok(draft),
        None => Err(outcome.told().remove(0)),
    }
}

#[test]
fn services_and_their_terms() {
    let draft = service(&[
        "regions=NL DE-BY AT",
        "lead=24-72",
        "commission=7.5%",
        "white-label=yes",
        "incoterm=DAP",
        "tax=S",
    ])
    .expect("is read");
    assert_eq!(
        (draft.nature, draft.unit.code(), draft.methods),
        (Nature::Service, "HUR", vec![Method::OnSite])
    );
    assert_eq!(draft.regions, ["AT", "NL", "DE-BY"]);
    assert_eq!(
        (draft.lead, draft.commission, draft.white_label),
        ((24, 72), Some(750), WhiteLabel::Yes)
    );
    assert_eq!(
        (draft.duration, &*draft.incoterm, &*draft.tax),
        (Some(90), "DAP", "S")
    );
    for (flag, code) in [
        ("regions=Bavaria", "wrong-form"),
        ("lead=72-24", "wrong-form"),
        ("commission=101", "out-of-range"),
        ("commission=0.001", "out-of-range"),
        ("white-label=maybe", "unknown-word"),
        ("incoterm=dap", "wrong-form"),
        ("methods=teleport", "unknown-word"),
        ("language=deutsch!", "wrong-form"),
        ("slot-rule=FREQ=DAILY", "missing"),
        ("slot-places=many", "wrong-form"),
    ] {
        let told = service(&[flag]).expect_err(flag);
        assert!(told.ends_with(code), "{flag}: {told}");
    }
}
